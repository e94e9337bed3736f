import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContactMessage } from '@/lib/domains/contact/schema'
import { dropDatabase, createDatabase } from '../support/databases'
import { uniqueEmail } from '../support/factories'
import { type RunningServer, startServer } from '../support/server'
import { startSmtpServer, type TestSmtpServer } from '../support/smtp'
import { waitFor } from '../support/wait'

jest.setTimeout(120_000)

const ADMIN = { email: 'root@house.example', password: 'correct horse battery' }
const OFFICE = 'office@house.example'
const database = `contact_${randomUUID()}`

let home: { databaseUrl: string; dataDir: string }
let port: number
let server: RunningServer
let smtp: TestSmtpServer | undefined

/** A mail server that accepts connections and never replies. */
async function startSilentServer(): Promise<Server> {
  const silent = createServer((socket) => socket.on('error', () => undefined))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const address = silent.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
  return silent
}

const start = () =>
  startServer(
    {
      ADMIN_EMAIL: ADMIN.email,
      ADMIN_PASSWORD: ADMIN.password,
      CONTACT_TO: OFFICE,
      MAIL_FROM: 'Hearth <hearth@house.example>',
      SMTP_URL: `smtp://hearth:p%40ss@127.0.0.1:${port}`,
    },
    home,
  )

const form = (given: object = {}) => ({
  name: 'Ada Lovelace',
  email: uniqueEmail(),
  message: `Is the engine still for sale? ${randomUUID()}`,
  ...given,
})

/** Sends the form as a page would. Returns the status. */
async function send(given: object, source = 'footer'): Promise<{ status: number }> {
  const { status } = await fetch(`${server.url}/api/contact?${new URLSearchParams({ source })}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(given),
  })
  return { status }
}

let adminToken: string | undefined

/** Returns the messages from an address, as an admin. */
async function listed(email: string): Promise<ContactMessage[]> {
  if (adminToken === undefined) {
    const response = await fetch(`${server.url}/api/auth/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(ADMIN),
    })
    const { token }: { token: string } = JSON.parse(await response.text())
    adminToken = token
  }
  const headers = { Authorization: `Bearer ${adminToken}` }
  const response = await fetch(`${server.url}/api/contact?limit=100`, { headers })
  const { contactMessages }: { contactMessages: ContactMessage[] } = JSON.parse(await response.text())
  return contactMessages.filter((message) => message.email === email)
}

const delivered = (email: string) =>
  waitFor('the delivery', async () => (await listed(email))[0]?.deliveredAt ?? undefined, 40_000)

const mailsFrom = (email: string) => (smtp?.received ?? []).filter(({ mail }) => mail.replyTo?.[0]?.address === email)

beforeAll(async () => {
  home = { databaseUrl: await createDatabase(database), dataDir: await mkdtemp(join(tmpdir(), 'hearth-contact-')) }
})

afterAll(async () => {
  await server.remove()
  await smtp?.close()
  await dropDatabase(database)
  await rm(home.dataDir, { recursive: true, force: true })
})

it('stores messages while the mail server hangs or is down or the process is killed, and mails each once', async () => {
  const silent = await startSilentServer()
  const connected = once(silent, 'connection')
  server = await start()
  const beforeKill = form()
  const first = await send(beforeKill)
  expect(first.status).toBe(200)
  await connected
  expect(await listed(beforeKill.email)).toMatchObject([{ deliveredAt: null, source: 'footer' }])
  await server.kill()
  silent.close()

  // From here on, connections to that port are refused.
  server = await start()
  const whileDown = form({ name: 'Charles Babbage' })
  const second = await send(whileDown, 'über uns')
  expect(second.status).toBe(200)
  await waitFor('the failure of an attempt', () => server.output().includes('job failed'))
  for (const { email } of [beforeKill, whileDown]) expect(await listed(email)).toMatchObject([{ deliveredAt: null }])

  smtp = await startSmtpServer(port)
  for (const { name, email, message } of [beforeKill, whileDown]) {
    const deliveredAt = new Date(await delivered(email))
    expect(Math.abs(deliveredAt.getTime() - Date.now())).toBeLessThan(60_000)
    const [mail, ...others] = mailsFrom(email)
    expect(others).toEqual([])
    expect(mail?.to).toEqual([OFFICE])
    expect(mail?.mail.replyTo).toEqual([{ name, address: email }])
    expect(mail?.mail.from?.address).toBe('hearth@house.example')
    expect(mail?.mail.text).toContain(message)
  }
  expect(mailsFrom(whileDown.email)[0]?.mail.text).toContain('über uns')
  expect(server.output()).not.toMatch(/"level":"(error|fatal)"/)
})

it('does not create headers, recipients or mails from injected user input', async () => {
  const refused = [
    form({ name: 'Ada\r\nBcc: all@example.test' }),
    form({ name: 'Ada\nX-Injected: yes' }),
    form({ email: 'a@example.test\r\nBcc: all@example.test' }),
    form({ email: 'a@example.test,all@example.test' }),
    form({ email: 'a@example.test>\r\nRCPT TO:<all@example.test' }),
    form({ email: '"a\r\nRCPT TO:<all@example.test>"@example.test' }),
  ]
  for (const given of refused) expect((await send(given)).status).toBe(400)

  const robot = form({ website: 'https://spam.example' })
  expect((await send(robot)).status).toBe(200)

  const odd = [
    { given: form({ name: 'Ada <all@example.test>, Eve' }), source: 'footer' },
    { given: form({ name: '=?utf-8?Q?x=0D=0ABcc:_all@example.test?=' }), source: 'a\r\nBcc: all@example.test' },
    {
      given: form({
        message: `x\r\n.\r\nMAIL FROM:<eve@example.test>\r\nRCPT TO:<all@example.test>\r\n${randomUUID()}`,
      }),
    },
  ]
  for (const { given, source } of odd) {
    expect((await send(given, source)).status).toBe(200)
    await delivered(given.email)
    const [mail, ...others] = mailsFrom(given.email)
    expect(others).toEqual([])
    expect(mail?.to).toEqual([OFFICE])
    expect(mail?.from).toBe('hearth@house.example')
    const names = mail?.mail.headers.map(({ key }) => key) ?? []
    expect(names.filter((name) => ['bcc', 'cc', 'x-injected'].includes(name))).toEqual([])
    expect(mail?.mail.replyTo?.map(({ address }) => address)).toEqual([given.email])
    expect(mail?.mail.text?.replaceAll('\r\n', '\n')).toContain(given.message.replaceAll('\r\n', '\n'))
  }
  expect(await listed(robot.email)).toEqual([])
  expect(mailsFrom(robot.email)).toEqual([])
  expect(smtp?.received.every(({ to }) => to.length === 1 && to[0] === OFFICE)).toBe(true)
})
