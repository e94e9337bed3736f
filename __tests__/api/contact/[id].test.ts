import { randomUUID } from 'node:crypto'
import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { uniqueEmail, signIn } from '../../support/factories'
import { useNoLimits } from '../../support/rate-limits'

const form = (given: object = {}) => ({ name: 'Ada Lovelace', email: uniqueEmail(), message: randomUUID(), ...given })

const kept = async (email: string) => prisma().contactMessage.findMany({ where: { email } })

afterEach(useNoLimits)

describe('GET /api/contact/:id', () => {
  it('returns the message', async () => {
    const { token } = await signIn({ role: 'admin' })
    const json = form()
    await api('POST', '/api/contact', { json })
    const [message] = await kept(json.email)
    const response = await api<object>('GET', `/api/contact/${message?.id}`, { token })
    expect(response.json).toEqual({
      ...json,
      id: message?.id,
      source: null,
      createdAt: message?.createdAt.toISOString(),
      deliveredAt: null,
    })
  })

  it.each([
    ['999999999', 404],
    ['99999999999999999999', 404],
    ['0', 400],
    ['x', 400],
    ['1%00', 400],
  ])('GET of id %s returns %i', async (id, status) => {
    const { token } = await signIn({ role: 'admin' })
    expect((await api('GET', `/api/contact/${id}`, { token })).status).toBe(status)
  })
})
