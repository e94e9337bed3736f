import { config } from '@/lib/config'
import { isAppError } from '@/lib/errors'
import type { List } from '@/lib/platform/pagination/query'
import { logger } from '@/lib/logger'
import { sendMail } from '@/lib/platform/mail/transport'
import * as repository from './repository'
import type { ContactMailJob } from '@/lib/platform/queue/schema'
import type { ContactMessage, ListContactQuery, NewContactMessage } from './schema'

/** Keeps a visitor's message and owes the mail of it. What fell into the honeypot is dropped without a word. */
export async function receiveContactMessage({ website, ...message }: NewContactMessage): Promise<void> {
  if (website !== undefined && website !== '') {
    logger().info('a contact message fell into the honeypot')
    return
  }
  await repository.insertContactMessage(message)
}

/** For admins; the route sees to that. NOT_FOUND. */
export async function getContactMessage(id: number): Promise<ContactMessage> {
  return repository.findContactMessage(id)
}

/** For admins; the route sees to that. */
export async function listContactMessages(query: ListContactQuery): Promise<List<ContactMessage>> {
  return repository.listContactMessages(query)
}

function mailText({ name, email, source, createdAt, message }: ContactMessage): string {
  const origin = source === null ? '' : ` (${source})`
  return `${name} <${email}> wrote on ${createdAt.toUTCString()}${origin}:\n\n${message}\n`
}

/**
 * The work of a `mail-contact-message` job: mails a message to `CONTACT_TO`, so that an answer goes to the visitor, and
 * notes that it left. A repeat after that does nothing.
 */
export async function mailContactMessage({ contactMessageId, mailId }: ContactMailJob): Promise<void> {
  const message = await repository.findContactMessage(contactMessageId).catch((error: unknown) => {
    if (isAppError(error) && error.code === 'NOT_FOUND') return undefined
    throw error
  })
  if (message === undefined || message.deliveredAt !== null) return
  await sendMail({
    messageId: mailId,
    to: config().contactTo,
    subject: `Message from ${message.name}`,
    text: mailText(message),
    replyTo: { name: message.name, address: message.email },
  })
  await repository.markDelivered(contactMessageId)
}
