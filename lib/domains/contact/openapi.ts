import type { ApiTag } from '@/lib/openapi/operation'
import { pageOf } from '@/lib/platform/pagination/page-schema'
import { contactBody, contactMessage, contactPath, contactQuery, contactReceipt, listContactQuery } from './schema'

/** The contact form. */
export const contactDomain: ApiTag = {
  tag: 'Contact',
  description: 'The contact form: a message is kept first and mailed after.',
  schemas: { ContactForm: contactBody, ContactMessage: contactMessage },
  operations: [
    {
      id: 'sendContactMessage',
      method: 'post',
      path: '/api/contact',
      summary: 'Send a message',
      description: 'Kept before it is answered, mailed after. Forms hide `website` from people and leave it empty.',
      audience: 'public',
      parameters: [contactQuery],
      body: contactBody,
      idempotent: true,
      example: { name: 'Ada Lovelace', email: 'ada@example.com', message: 'Is the engine for sale?' },
      answers: {
        200: {
          description: 'The message was kept.',
          schema: contactReceipt,
          headers: {
            'X-Contact-Processed': { description: 'Always `true`.', schema: { type: 'string', const: 'true' } },
            'Set-Cookie': { description: '`contact-sent=true`.', schema: { type: 'string' } },
          },
        },
      },
    },
    {
      id: 'listContactMessages',
      method: 'get',
      path: '/api/contact',
      summary: 'List the messages',
      description: 'Newest first. `deliveredAt` is null until the mail has left.',
      audience: 'admin',
      scope: 'contact:read',
      parameters: [listContactQuery],
      etag: true,
      list: true,
      answers: { 200: { description: 'A page of messages.', schema: pageOf('contactMessages', contactMessage) } },
      postman: [{ keep: { contactId: 'contactMessages[0].id' } }],
    },
    {
      id: 'getContactMessage',
      method: 'get',
      path: '/api/contact/{id}',
      summary: 'Read a message',
      audience: 'admin',
      scope: 'contact:read',
      parameters: [contactPath],
      etag: true,
      answers: { 200: { description: 'The message.', schema: contactMessage } },
    },
  ],
}
