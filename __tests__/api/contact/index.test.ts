import { randomUUID } from 'node:crypto'
import type { ContactMessage } from '@/lib/domains/contact/schema'
import { databasePool, prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { uniqueEmail, createApiKey, signIn } from '../../support/factories'
import { useLimits, useNoLimits } from '../../support/rate-limits'

type Messages = { contactMessages: ContactMessage[]; pagination: { nextCursor: string | null } }

const form = (given: object = {}) => ({ name: 'Ada Lovelace', email: uniqueEmail(), message: randomUUID(), ...given })

const kept = async (email: string) => prisma().contactMessage.findMany({ where: { email } })

async function owedMails(contactMessageId: number): Promise<number> {
  const { rows } = await databasePool().query<{ count: number }>(
    `SELECT count(*)::int AS count FROM graphile_worker._private_jobs WHERE payload->>'contactMessageId' = $1`,
    [String(contactMessageId)],
  )
  return rows[0]?.count ?? 0
}

afterEach(useNoLimits)

describe('POST /api/contact', () => {
  describe('success', () => {
    it('stores the message of an anonymous client and enqueues the e-mail', async () => {
      const json = form({ name: '  Ada Lovelace ', message: ' Is the engine\nstill for sale? ' })
      const response = await api<object>('POST', '/api/contact?source=footer', { json })
      expect(response.status).toBe(200)
      expect(response.json).toEqual({ success: true, message: expect.any(String) })
      expect(response.headers.get('x-contact-processed')).toBe('true')
      expect(response.headers.getSetCookie()).toEqual(['contact-sent=true; Path=/; HttpOnly; SameSite=Lax'])
      const [message, ...others] = await kept(json.email)
      expect(others).toEqual([])
      expect(message).toMatchObject({
        name: 'Ada Lovelace',
        message: 'Is the engine\nstill for sale?',
        source: 'footer',
        deliveredAt: null,
      })
      expect(await owedMails(message?.id ?? 0)).toBe(1)
    })

    it('accepts a message without a source and fields of maximum length', async () => {
      for (const json of [
        form({ name: 'Bo', message: 'x'.repeat(10) }),
        form({ name: 'é'.repeat(100), message: '😀'.repeat(2_500) }),
        form({ website: '' }),
      ]) {
        expect((await api('POST', '/api/contact', { json })).status).toBe(200)
        expect(await kept(json.email)).toMatchObject([{ source: null, message: json.message }])
      }
    })

    it('returns the same response but stores nothing when the honeypot field is filled in', async () => {
      const person = await api<object>('POST', '/api/contact', { json: form() })
      const json = form({ website: 'https://spam.example' })
      const robot = await api<object>('POST', '/api/contact', { json })
      expect({ status: robot.status, json: robot.json }).toEqual({ status: person.status, json: person.json })
      const shown = ({ headers }: { headers: Headers }) =>
        [...headers].filter(([name]) => name !== 'x-request-id' && name !== 'date')
      expect(shown(robot)).toEqual(shown(person))
      expect(await kept(json.email)).toEqual([])
    })
  })

  describe('validation', () => {
    it.each([
      ['name', 'A'],
      ['name', ' A '],
      ['name', 'x'.repeat(101)],
      ['name', 'Ada\r\nBcc: all@example.test'],
      ['name', 'Ada\nBcc: all@example.test'],
      ['name', 'Ada\u0085x'],
      ['name', 'Ada\0'],
      ['email', 'not-an-address'],
      ['email', 'a@example.test\r\nBcc: all@example.test'],
      ['email', 'a@example.test, all@example.test'],
      ['email', 'a@example.test>, <all@example.test'],
      ['email', '"a\r\nb"@example.test'],
      ['email', 'Ada <a@example.test>'],
      ['message', 'too short'],
      ['message', '          x'],
      ['message', 'x'.repeat(5_001)],
      ['message', 42],
      ['message', `${'x'.repeat(10)}\0`],
      ['surprise', 'x'],
    ])('returns 400 for %s %j and stores nothing', async (field, value) => {
      const json = form({ [field]: value })
      const response = await api('POST', '/api/contact', { json })
      expect(response.status).toBe(400)
      expect(Object.keys(response.json.error.details)).toEqual([field])
      expect(response.headers.has('x-contact-processed')).toBe(false)
      expect(response.headers.getSetCookie()).toEqual([])
      if (typeof json.email === 'string' && field !== 'email') expect(await kept(json.email)).toEqual([])
    })

    it('returns an error for every missing field', async () => {
      const response = await api('POST', '/api/contact', { json: {} })
      expect(Object.keys(response.json.error.details).sort()).toEqual(['email', 'message', 'name'])
    })

    it.each([`source=${'x'.repeat(101)}`, 'source=', 'source=a&source=b', 'surprise=1'])(
      'returns 400 for ?%s',
      async (query) => {
        expect((await api('POST', `/api/contact?${query}`, { json: form() })).status).toBe(400)
      },
    )
  })

  it('applies the strict rate limit per IP address, also to honeypot requests', async () => {
    useLimits({ strict: 3 }, 1)
    const headers = { 'X-Forwarded-For': '192.0.2.1' }
    const statuses = []
    for (const given of [{}, { website: 'x' }, { message: 'x' }, {}]) {
      statuses.push((await api('POST', '/api/contact', { json: form(given), headers })).status)
    }
    expect(statuses).toEqual([200, 200, 400, 429])
    const elsewhere = { 'X-Forwarded-For': '192.0.2.2' }
    expect((await api('POST', '/api/contact', { json: form(), headers: elsewhere })).status).toBe(200)
  })
})

describe('POST /api/contact with an Idempotency-Key', () => {
  it('stores one message for repeated requests', async () => {
    const email = uniqueEmail()
    const send = () =>
      api('POST', '/api/contact', {
        json: { name: 'Ada Lovelace', email, message: 'Is the engine for sale?' },
        headers: { 'Idempotency-Key': email },
      })
    const first = await send()
    const second = await send()
    expect([first.status, second.status]).toEqual([200, 200])
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(second.headers.get('x-contact-processed')).toBe('true')
    expect(await prisma().contactMessage.count({ where: { email } })).toBe(1)
  })
})

describe('GET /api/contact', () => {
  it('lists messages to an admin, newest first, by page and by cursor', async () => {
    const { token } = await signIn({ role: 'admin' })
    const forms = [form(), form(), form()]
    for (const json of forms) await api('POST', '/api/contact', { json })
    const page = await api<Messages>('GET', '/api/contact?limit=3', { token })
    expect(page.status).toBe(200)
    expect(page.json.contactMessages.map(({ email }) => email)).toEqual(forms.map(({ email }) => email).toReversed())
    expect(page.json.contactMessages[0]).toMatchObject({ source: null, deliveredAt: null })

    const first = await api<Messages>('GET', '/api/contact?cursor=&limit=2', { token })
    const cursor = encodeURIComponent(first.json.pagination.nextCursor ?? '')
    const second = await api<Messages>('GET', `/api/contact?cursor=${cursor}&limit=1`, { token })
    expect(second.json.contactMessages.map(({ email }) => email)).toEqual([forms[0]?.email])
  })

  it.each(['page=0', 'sort=name', 'surprise=1'])('returns 400 for ?%s', async (query) => {
    const { token } = await signIn({ role: 'admin' })
    expect((await api('GET', `/api/contact?${query}`, { token })).status).toBe(400)
  })
})

describe.each(['/api/contact', '/api/contact/1'])('GET %s', (url) => {
  it('returns 401 without credentials and 403 for a user', async () => {
    expect((await api('GET', url)).status).toBe(401)
    const { token } = await signIn()
    expect((await api('GET', url, { token })).status).toBe(403)
  })

  it('accepts only an admin’s API key with the scope', async () => {
    const [admin, user] = [await signIn({ role: 'admin' }), await signIn()]
    const right = await createApiKey(admin.user, ['contact:read'])
    expect([200, 404]).toContain((await api('GET', url, { token: right.key })).status)
    const wrongScope = await createApiKey(admin.user, ['users:read'])
    expect((await api('GET', url, { token: wrongScope.key })).status).toBe(403)
    const wrongOwner = await createApiKey(user.user, ['contact:read'])
    expect((await api('GET', url, { token: wrongOwner.key })).status).toBe(403)
  })
})

it.each([
  ['PUT', '/api/contact', 'GET, POST, HEAD, OPTIONS'],
  ['DELETE', '/api/contact/1', 'GET, HEAD, OPTIONS'],
])('returns 405 for %s %s', async (method, url, allowed) => {
  const response = await api(method, url)
  expect(response.status).toBe(405)
  expect(response.headers.get('allow')).toBe(allowed)
})
