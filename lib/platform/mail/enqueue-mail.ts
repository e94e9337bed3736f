import { randomUUID } from 'node:crypto'
import { config } from '@/lib/config'
import { logger } from '@/lib/logger'
import { hashOpaqueToken } from '@/lib/platform/crypto/opaque-token'
import { enqueue } from '@/lib/platform/queue/enqueue'
import type { MailContent } from '@/lib/platform/queue/mail-job'
import { countMail } from './repository'

/**
 * Enqueues an e-mail as part of the surrounding transaction: it is delivered after the commit, with retries. Tokens in
 * `content` are encrypted. After `expiresAt` it is no longer sent. Beyond `MAILS_PER_RECIPIENT_PER_HOUR` of all templates
 * together it is dropped, so that an inbox cannot be flooded; the caller sees no difference.
 */
export async function enqueueMail(mail: {
  to: string
  content: MailContent
  expiresAt?: Date
  messageId?: string
}): Promise<void> {
  const { mailsPerRecipientPerHour } = config()
  if (mailsPerRecipientPerHour > 0 && (await countMail(hashOpaqueToken(mail.to))) > mailsPerRecipientPerHour) {
    logger().warn({ template: mail.content.template }, 'email dropped: the recipient has reached the hourly limit')
    return
  }
  await enqueue('send-mail', { messageId: randomUUID(), ...mail })
}
