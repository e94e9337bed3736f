import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { config, setConfig } from '@/lib/config'
import { enqueueMail } from '@/lib/platform/mail/enqueue-mail'
import type { MailContent } from '@/lib/platform/queue/mail-job'
import { deleteOldMailFiles, probeMail, sendMail } from '@/lib/platform/mail/transport'
import { databasePool } from '@/lib/platform/db/prisma'
import { encrypt } from '@/lib/platform/crypto/encrypt'
import { uniqueEmail } from '../../../support/factories'
import { loggedLines } from '../../../support/log'
import { mailsTo, tokenOf, useMailFolder } from '../../../support/mail'
import { startSmtpServer, type TestSmtpServer } from '../../../support/smtp'
import { waitFor } from '../../../support/wait'
import { useWorker } from '../../../support/worker'

useMailFolder()
useWorker()

const TOKEN = 'a-token-of-the-tests'
const resetMail = (): MailContent => ({ template: 'reset-password', encryptedToken: encrypt('queued-token', TOKEN) })

const useSmtp = (smtpUrl: string | undefined) =>
  setConfig({ ...config(), smtpUrl, mailFrom: 'Hearth <hearth@house.example>', appUrl: 'https://app.example' })

const failures = () => loggedLines().filter((line) => line['msg'] === 'job failed').length
/** Makes the next attempt due immediately. */
const hurry = () =>
  databasePool().query('UPDATE graphile_worker._private_jobs SET run_at = now() WHERE locked_at IS NULL')
const queueIsEmpty = () =>
  waitFor('the queue to be empty', async () => {
    await hurry()
    return (await databasePool().query('SELECT 1 FROM graphile_worker._private_jobs')).rows.length === 0
  })

describe('mail over SMTP', () => {
  let server: TestSmtpServer

  beforeEach(async () => {
    server = await startSmtpServer()
    useSmtp(server.url)
  })
  afterEach(async () => {
    await server.close()
    useSmtp(undefined)
  })

  it('arrives as text and HTML with the client’s link and the configured sender', async () => {
    const to = uniqueEmail()
    await enqueueMail({ to, content: resetMail() })
    const { mail, from, to: recipients } = await waitFor('the mail', () => server.received[0])
    expect(from).toBe('hearth@house.example')
    expect(recipients).toEqual([to])
    expect(mail.from).toMatchObject({ name: 'Hearth', address: 'hearth@house.example' })
    expect(mail.subject).toBe('Set a new password')
    const link = `https://app.example/reset-password?token=${TOKEN}`
    expect(mail.text).toContain(link)
    expect(mail.text).toContain('within 1 hour')
    expect(mail.html).toContain(`<a href="${link}">`)
    expect(mail.messageId).toMatch(/^<[0-9a-f-]{36}@house\.example>$/)
    expect(JSON.stringify(loggedLines())).not.toContain(TOKEN)
    await queueIsEmpty()
  })

  it('is delivered once when the server is down for the first three attempts', async () => {
    const port = Number(new URL(server.url).port)
    await server.close()
    await enqueueMail({ to: uniqueEmail(), content: resetMail() })
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await waitFor(`failure ${attempt}`, async () => {
        if (failures() >= attempt) return true
        await hurry()
        return false
      })
    }
    server = await startSmtpServer(port)
    await queueIsEmpty()
    expect(server.received).toHaveLength(1)
    expect(failures()).toBeGreaterThanOrEqual(3)
  })

  it('has the same Message-ID and token when it is repeated after a lost reply', async () => {
    server.responsesToLose = 1
    await enqueueMail({ to: uniqueEmail(), content: resetMail() })
    await waitFor('the first attempt', () => failures() === 1)
    await queueIsEmpty()
    const [first, second] = server.received
    expect(server.received).toHaveLength(2)
    expect(second?.mail.messageId).toBe(first?.mail.messageId)
    expect(tokenOf(second?.mail)).toBe(tokenOf(first?.mail))
  })

  it('is not sent once its link has expired', async () => {
    await enqueueMail({ to: uniqueEmail(), content: resetMail(), expiresAt: new Date(Date.now() - 1) })
    await queueIsEmpty()
    expect(server.received).toEqual([])
    expect(loggedLines().some((line) => String(line['msg']).includes('its link has expired'))).toBe(true)
  })

  it('escapes user input in headers and HTML', async () => {
    await enqueueMail({
      to: uniqueEmail(),
      content: {
        template: 'accept-invitation',
        encryptedToken: encrypt('queued-token', TOKEN),
        familyName: 'The <b>Smiths</b>\r\nBcc: victim@example.test',
        inviter: '"Eve" & Söhne',
      },
    })
    await sendMail({
      messageId: randomUUID(),
      to: 'owner@example.test',
      subject: 'Hello\r\nBcc: victim@example.test\r\n\r\nbody',
      text: 'Hello',
      replyTo: { name: 'Eve\r\nBcc: victim@example.test', address: 'eve@example.test\r\nBcc: victim@example.test' },
    })
    await queueIsEmpty()
    expect(server.received).toHaveLength(2)
    for (const { mail, to } of server.received) {
      expect(to).toHaveLength(1)
      expect(mail.bcc).toBeUndefined()
      expect(mail.headers.map((header) => header.key)).not.toContain('bcc')
    }
    const invitation = server.received.find(({ mail }) => mail.subject?.includes('invites'))?.mail
    expect(invitation?.subject).toBe('"Eve" & Söhne invites you to The <b>Smiths</b> Bcc: victim@example.test')
    expect(invitation?.html).toContain('&quot;Eve&quot; &amp; Söhne')
    expect(invitation?.html).not.toContain('<b>')
  })

  it('is probed by readiness checks, which fail when the server is unreachable', async () => {
    await expect(probeMail()).resolves.toBeUndefined()
    useSmtp('smtp://127.0.0.1:1')
    await expect(probeMail()).rejects.toThrow('ECONNREFUSED')
  })
})

describe('mail without an SMTP_URL', () => {
  it('is deleted after a week, and beyond 1,000 files', async () => {
    const folder = join(config().dataDir, 'mail')
    await rm(folder, { recursive: true, force: true })
    expect(await deleteOldMailFiles()).toBe(0)
    await mkdir(folder, { recursive: true })
    const names = Array.from({ length: 1_002 }, (_, index) => `${index}.eml`)
    for (const [index, name] of names.entries()) {
      await writeFile(join(folder, name), '')
      const days = index === 0 ? 8 : 1 + index / 10_000
      await utimes(join(folder, name), new Date(), new Date(Date.now() - days * 86_400_000))
    }
    expect(await deleteOldMailFiles()).toBe(2)
    expect((await readdir(folder)).toSorted()).toEqual(names.slice(1, -1).toSorted())
    await rm(folder, { recursive: true })
  })

  it('is written to a file with mode 0600, and its path is logged', async () => {
    const to = uniqueEmail()
    await enqueueMail({ to, content: resetMail() })
    await waitFor('the file', async () => (await mailsTo(to)).length === 1)
    const [mail] = await mailsTo(to)
    expect(tokenOf(mail)).toBe(TOKEN)
    const line = await waitFor('the line', () =>
      loggedLines().find((entry) => String(entry['msg']).includes('email written')),
    )
    const path = String(line['path'])
    expect(path.startsWith(join(config().dataDir, 'mail'))).toBe(true)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(JSON.stringify(loggedLines())).not.toContain(TOKEN)
    expect((await readdir(join(config().dataDir, 'mail'))).every((name) => name.endsWith('.eml'))).toBe(true)
    await expect(probeMail()).resolves.toBeUndefined()
  })
})
