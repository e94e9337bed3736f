import { randomUUID } from 'node:crypto'
import { enqueue } from '@/lib/platform/queue/enqueue'
import type { DbClient } from '@/lib/platform/db/prisma'
import type { MailContent } from './schema'

/**
 * Owes somebody a mail, as a part of `transaction`: it leaves after the commit, however often the mail server or we
 * ourselves fail. Tokens in `content` are sealed. After `expiresAt` it is not sent any more.
 */
export async function enqueueMail(
  transaction: DbClient,
  mail: { to: string; content: MailContent; expiresAt?: Date; messageId?: string },
): Promise<void> {
  await enqueue(transaction, 'send-mail', { messageId: randomUUID(), ...mail })
}
