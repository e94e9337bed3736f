import { randomUUID } from 'node:crypto'
import { config } from '@/lib/config'
import { AppError } from '@/lib/errors'
import { recordChange } from '@/lib/domains/events/service'
import type { List } from '@/lib/platform/pagination/query'
import { logger } from '@/lib/logger'
import { inTransaction } from '@/lib/platform/db/transaction'
import { enqueue } from '@/lib/platform/queue/enqueue'
import { sendMail } from '@/lib/platform/mail/transport'
import * as repository from './repository'
import type { ContactMailJob } from '@/lib/platform/queue/schema'
import type { ContactMessage, ListContactQuery, NewContactMessage } from './schema'

/** Stores a message and enqueues its notification email. Honeypot submissions are silently discarded. */
export async function receiveContactMessage({ website, ...message }: NewContactMessage): Promise<void> {
  if (website !== undefined && website !== '') {
    logger().info('contact form honeypot triggered')
    return
  }
  await inTransaction(async () => {
    const data = await repository.insertContactMessage(message)
    const { id } = data
    await enqueue('mail-contact-message', { contactMessageId: id, mailId: randomUUID() })
    await recordChange({ type: 'contact.created', actorId: null, id, data, audience: { admins: true } })
  })
}

/**
 * Returns a message. Authorization: enforced by the route (admin only).
 * @throws NOT_FOUND when it does not exist
 */
export async function getContactMessage(id: number): Promise<ContactMessage> {
  const message = await repository.findContactMessage(id)
  if (message === null) throw new AppError('NOT_FOUND')
  return message
}

/** Lists messages, newest first. Authorization: enforced by the route (admin only). */
export async function listContactMessages(query: ListContactQuery): Promise<List<ContactMessage>> {
  return repository.listContactMessages(query)
}

function mailText({ name, email, source, createdAt, message }: ContactMessage): string {
  const origin = source === null ? '' : ` (${source})`
  return `${name} <${email}> wrote on ${createdAt.toUTCString()}${origin}:\n\n${message}\n`
}

/** Runs a `mail-contact-message` job: emails a message to `CONTACT_TO` unless it was deleted or has been delivered. */
export async function mailContactMessage({ contactMessageId, mailId }: ContactMailJob): Promise<void> {
  const message = await repository.findContactMessage(contactMessageId)
  if (message === null || message.deliveredAt !== null) return
  await sendMail({
    messageId: mailId,
    to: config().contactTo,
    subject: `Message from ${message.name}`,
    text: mailText(message),
    replyTo: { name: message.name, address: message.email },
  })
  await repository.markDelivered(contactMessageId)
}
