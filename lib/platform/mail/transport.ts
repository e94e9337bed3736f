import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import nodemailer from 'nodemailer'
import MailComposer from 'nodemailer/lib/mail-composer'
import { config } from '@/lib/config'
import { defaultIfMissing } from '@/lib/fs-errors'
import { logger } from '@/lib/logger'

/** How long a mail server may take to respond; the job is retried later. */
const CONNECTION_TIMEOUT_MS = 10_000
const SILENCE_TIMEOUT_MS = 30_000

/** `messageId` is a UUID, the same for all attempts. */
export type OutgoingMail = {
  messageId: string
  to: string
  subject: string
  text: string
  html?: string
  replyTo?: { name: string; address: string }
}

/** Removes characters that could end a header; nodemailer encodes the rest (RFC 2047). */
function singleLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()
}

/** Returns the domain of `address` or `Name <address>`. */
function domainOf(mailbox: string): string {
  return /@([^\s<>@]+)>?$/.exec(mailbox)?.[1] ?? 'localhost'
}

function envelopeOf(mail: OutgoingMail) {
  const { mailFrom } = config()
  const { replyTo, html } = mail
  return {
    from: mailFrom,
    to: { name: '', address: mail.to },
    subject: singleLine(mail.subject),
    text: mail.text,
    ...(html !== undefined && { html }),
    ...(replyTo !== undefined && { replyTo: { name: singleLine(replyTo.name), address: singleLine(replyTo.address) } }),
    messageId: `<${mail.messageId}@${domainOf(mailFrom)}>`,
    // RFC 3834: suppresses automatic replies.
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

function smtpTransport(url: string) {
  return nodemailer.createTransport({
    url,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    dnsTimeout: CONNECTION_TIMEOUT_MS,
    greetingTimeout: CONNECTION_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
  })
}

/** Returns the folder that e-mails are written to without `SMTP_URL`. */
export function mailFolder(): string {
  return join(config().dataDir, 'mail')
}

/** Writes an e-mail to the mail folder atomically, readable only by the owner. Returns the path. */
async function writeMail(mail: OutgoingMail): Promise<string> {
  const folder = mailFolder()
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const message = await new MailComposer({ ...envelopeOf(mail), newline: 'windows' }).compile().build()
  const path = join(folder, `${mail.messageId}.eml`)
  const file = await open(`${path}.part`, 'w', 0o600)
  try {
    await file.writeFile(message)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.part`, path)
  return path
}

/** E-mails in files are for development: their links have expired after this time, and more of them are not read. */
const WRITTEN_MAILS_DAYS = 7
const WRITTEN_MAILS_MAX = 1_000

/** Deletes old files of the mail folder, and the oldest when there are too many. Returns the number. */
export async function deleteOldMailFiles(): Promise<number> {
  const folder = mailFolder()
  const names = await readdir(folder).catch(defaultIfMissing([]))
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      return { path, writtenAt: (await stat(path).catch(defaultIfMissing(undefined)))?.mtimeMs ?? 0 }
    }),
  )
  const oldest = Date.now() - WRITTEN_MAILS_DAYS * 86_400_000
  const isOld = ({ writtenAt }: { writtenAt: number }, index: number) =>
    index >= WRITTEN_MAILS_MAX || writtenAt < oldest
  const old = files.toSorted((a, b) => b.writtenAt - a.writtenAt).filter(isOld)
  await Promise.all(old.map(({ path }) => rm(path, { force: true })))
  return old.length
}

/**
 * Sends an e-mail through the server of `SMTP_URL`, or writes it to a file without one. The server may receive it twice if
 * its response to the first attempt was lost; both have the same Message-ID.
 */
export async function sendMail(mail: OutgoingMail): Promise<void> {
  const { smtpUrl } = config()
  if (smtpUrl === undefined) {
    logger().info({ path: await writeMail(mail) }, 'email written to a file, since SMTP_URL is not set')
    return
  }
  await smtpTransport(smtpUrl).sendMail(envelopeOf(mail))
  logger().info({ messageId: mail.messageId }, 'email sent')
}

/** Throws when the mail server does not respond, or without one, when the mail folder cannot be created. */
export async function probeMail(): Promise<void> {
  const { smtpUrl } = config()
  if (smtpUrl !== undefined) await smtpTransport(smtpUrl).verify()
  else await mkdir(mailFolder(), { recursive: true, mode: 0o700 })
}
