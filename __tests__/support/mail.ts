import { mkdtempSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import PostalMime, { type Email } from 'postal-mime'
import { config, setConfig } from '@/lib/config'
import { waitFor } from './wait'

/** Writes mail to a separate folder for this test file. Call it at the top of the file. */
export function useMailFolder(): void {
  const dataDir = mkdtempSync(join(tmpdir(), 'hearth-mail-'))
  beforeAll(() => setConfig({ ...config(), dataDir }))
  afterAll(() => rm(dataDir, { recursive: true, force: true }))
}

/** Returns all mails written so far, parsed. */
export async function writtenMails(dataDir = config().dataDir): Promise<Email[]> {
  const folder = join(dataDir, 'mail')
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.eml'))
  return Promise.all(names.map(async (name) => PostalMime.parse(await readFile(join(folder, name)))))
}

/** Returns the mails written to an address so far whose subject contains `subject`. */
export async function mailsTo(address: string, subject = '', dataDir = config().dataDir): Promise<Email[]> {
  const mails = await writtenMails(dataDir)
  return mails.filter((mail) => mail.to?.[0]?.address === address && mail.subject?.includes(subject) === true)
}

/** Returns the token of the link in a mail. */
export function tokenOf(mail: Email | undefined): string {
  const link = mail?.text?.split(/\s+/).find((word) => URL.canParse(word))
  const token = link === undefined ? null : new URL(link).searchParams.get('token')
  if (token === null) throw new Error('The mail contains no link with a token.')
  return token
}

/** Waits for `count` mails to an address with this subject. Returns their tokens, in no particular order. */
export async function mailedTokens(address: string, subject: string, count = 1): Promise<string[]> {
  const mails = await waitFor(`${count} mails "${subject}" to ${address}`, async () => {
    const found = await mailsTo(address, subject)
    return found.length >= count && found
  })
  return mails.map(tokenOf)
}
