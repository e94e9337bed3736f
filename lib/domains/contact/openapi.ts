import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { pageOf } from '@/lib/platform/pagination/page-schema'
import { contactBody, contactMessage, contactPath, contactQuery, contactReceipt, listContactQuery } from './schema'

export const contactRoute = defineRoute('/api/contact', {
  GET: {
    id: 'listContactMessages',
    summary: 'List contact messages',
    description: 'Newest first. `deliveredAt` is null until the email was sent.',
    access: { scope: 'contact:read', role: 'admin' },
    parameters: [listContactQuery],
    etag: true,
    list: true,
    responses: { 200: { description: 'A page of messages.', schema: pageOf('contactMessages', contactMessage) } },
    postman: [{ store: { contactId: 'contactMessages[0].id' } }],
  },
  POST: {
    id: 'sendContactMessage',
    summary: 'Send a message',
    description:
      'The message is stored, then emailed. `website` is a honeypot field: forms hide it, and people leave it empty.',
    access: 'public',
    parameters: [contactQuery],
    body: contactBody,
    idempotent: true,
    example: { name: 'Ada Lovelace', email: 'ada@example.com', message: 'Is the engine for sale?' },
    responses: {
      200: {
        description: 'The message was stored.',
        schema: contactReceipt,
        headers: {
          'X-Contact-Processed': { description: 'Always `true`.', schema: { type: 'string', const: 'true' } },
          'Set-Cookie': { description: '`contact-sent=true`.', schema: { type: 'string' } },
        },
      },
    },
  },
})

export const contactMessageRoute = defineRoute(
  '/api/contact/{id}',
  { scope: 'contact:read', role: 'admin' },
  {
    GET: {
      id: 'getContactMessage',
      summary: 'Get a contact message',
      parameters: [contactPath],
      etag: true,
      responses: { 200: { description: 'The message.', schema: contactMessage } },
    },
  },
)

export const contactTag: ApiTag = {
  tag: 'Contact',
  description: 'The contact form.',
  schemas: { ContactForm: contactBody, ContactMessage: contactMessage },
  // The Postman collection sends a message before it lists them.
  operations: [contactRoute.POST, contactRoute.GET, contactMessageRoute.GET],
}
