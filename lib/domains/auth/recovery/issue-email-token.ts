import { randomUUID } from 'node:crypto'
import { hashOpaqueToken, newOpaqueToken } from '@/lib/platform/crypto/opaque-token'
import { config } from '@/lib/config'
import { enqueueMail } from '@/lib/platform/mail/enqueue-mail'
import { prisma } from '@/lib/platform/db/prisma'
import { encrypt } from '@/lib/platform/crypto/encrypt'
import type { EmailTokenPurpose } from '@/prisma/generated/client'

/** So that nobody's mailbox can be flooded through us, from however many addresses somebody asks. */
const MAILS_PER_HOUR_MAX = 5
const HOUR_MS = 3_600_000

/**
 * Makes a token for an account and owes its address the mail that carries it, as a part of `transaction`. Nothing is
 * done when the account had several such mails within the hour, or when the mail of this `messageId` is owed already.
 *
 * The token is random. Until the mail has left it lies sealed in the queue, since the same token has to go out with
 * every attempt; in the table lies its hash alone. Whether one was issued.
 */
export async function issueEmailToken(
  purpose: EmailTokenPurpose,
  { id: userId, email }: { id: number; email: string },
  messageId: string = randomUUID(),
): Promise<boolean> {
  const recent = await prisma().emailToken.count({
    where: { userId, purpose, createdAt: { gt: new Date(Date.now() - HOUR_MS) } },
  })
  if (recent >= MAILS_PER_HOUR_MAX) return false
  const { resetTokenTtlSeconds, verifyTokenTtlSeconds } = config()
  const ttlSeconds = purpose === 'reset_password' ? resetTokenTtlSeconds : verifyTokenTtlSeconds
  const expiresAt = new Date(Date.now() + ttlSeconds * 1000)
  const password = await prisma().password.findUnique({ where: { userId }, select: { updatedAt: true } })
  const token = newOpaqueToken()
  const row = { hash: hashOpaqueToken(token), purpose, userId, email, messageId, expiresAt }
  const { count } = await prisma().emailToken.createMany({
    data: [{ ...row, passwordUpdatedAt: password?.updatedAt ?? null }],
    skipDuplicates: true,
  })
  if (count === 0) return false
  const template = purpose === 'reset_password' ? 'reset-password' : 'verify-email'
  await enqueueMail({
    to: email,
    content: { template, encryptedToken: encrypt('queued-token', token) },
    expiresAt,
    messageId,
  })
  return true
}
