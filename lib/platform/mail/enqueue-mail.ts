import { randomUUID } from 'node:crypto'
import { enqueue } from '@/lib/platform/queue/enqueue'
import type { MailContent } from '@/lib/platform/queue/mail-job'

/**
 * Enqueues an e-mail as part of the surrounding transaction: it is delivered after the commit, with retries. Tokens in
 * `content` are encrypted. After `expiresAt` it is no longer sent.
 */
export async function enqueueMail(mail: {
  to: string
  content: MailContent
  expiresAt?: Date
  messageId?: string
}): Promise<void> {
  await enqueue('send-mail', { messageId: randomUUID(), ...mail })
}
