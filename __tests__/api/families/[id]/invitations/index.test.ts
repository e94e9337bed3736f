import type { Invitation } from '@/lib/domains/families/invitations/schema'
import { render } from '@/lib/platform/mail/templates'
import { prisma } from '@/lib/platform/db/prisma'
import { encrypt } from '@/lib/platform/crypto/encrypt'
import { api } from '../../../../support/api'
import { uniqueEmail } from '../../../../support/factories'
import { createFamilyFixture, queuedInvitationEmails } from '../../../../support/families'
import { useLimits, useNoLimits } from '../../../../support/rate-limits'

type Invitations = { invitations: Invitation[]; pagination: { total: number } }

describe('POST /api/families/:id/invitations', () => {
  it('enqueues an e-mail with a link and does not disclose the token', async () => {
    const { otherOwner, family, url } = await createFamilyFixture()
    const email = uniqueEmail()
    const json = { email: ` ${email.toUpperCase()} ` }
    const response = await api<Invitation>('POST', `${url}/invitations`, { token: otherOwner.token, json })
    expect(response.status).toBe(201)
    expect(response.json).toEqual({
      id: expect.any(Number),
      email,
      role: 'member',
      createdAt: expect.any(String),
      expiresAt: expect.any(String),
    })
    expect(response.headers.get('location')).toBe(`${url}/invitations/${response.json.id}`)
    const days = (Date.parse(String(response.json.expiresAt)) - Date.now()) / 86_400_000
    expect(days).toBeCloseTo(7, 2)

    const [mail] = await queuedInvitationEmails(email)
    expect(mail).toMatchObject({ familyName: family.name, inviter: `Charles Babbage (${otherOwner.user.email})` })
    expect(mail?.token).toMatch(/^[\w-]{43}$/)
    const stored = await prisma().$queryRaw`SELECT i::text FROM invitations i WHERE id = ${response.json.id}`
    expect(JSON.stringify(stored)).not.toContain(mail?.token)
    const letter = {
      template: 'accept-invitation',
      encryptedToken: encrypt('queued-token', 'a-token'),
      familyName: 'F',
      inviter: 'I',
    } as const
    expect(render(letter).text).toContain('/accept-invitation?token=a-token')
  })

  it('replaces a pending invitation to the same address and invalidates its token', async () => {
    const { owner, otherUser, url } = await createFamilyFixture()
    const { email } = otherUser.user
    const invite = (role: string) =>
      api<Invitation>('POST', `${url}/invitations`, { token: owner.token, json: { email, role } })
    await invite('member')
    const second = await invite('owner')
    const { json } = await api<Invitations>('GET', `${url}/invitations`, { token: owner.token })
    expect(json.invitations).toEqual([second.json])
    const [early, late] = await queuedInvitationEmails(email)
    const accept = (token: string | undefined) =>
      api('POST', '/api/invitations/accept', { token: otherUser.token, json: { token } })
    expect((await accept(early?.token)).json.error.code).toBe('INVALID_TOKEN')
    expect((await accept(late?.token)).status).toBe(200)
  })

  it('leaves one pending invitation after concurrent requests', async () => {
    const { owner, otherOwner, url } = await createFamilyFixture()
    const email = uniqueEmail()
    const responses = await Promise.all(
      [owner, otherOwner, owner, otherOwner].map(({ token }) =>
        api('POST', `${url}/invitations`, { token, json: { email } }),
      ),
    )
    expect(responses.map(({ status }) => status)).toEqual([201, 201, 201, 201])
    const { json } = await api<Invitations>('GET', `${url}/invitations`, { token: owner.token })
    expect(json.pagination.total).toBe(1)
  })

  it('returns 409 for the address of a member and enqueues no e-mail', async () => {
    const { owner, member, url } = await createFamilyFixture()
    const json = { email: member.user.email.toUpperCase() }
    const response = await api('POST', `${url}/invitations`, { token: owner.token, json })
    expect([response.status, response.json.error.code]).toEqual([409, 'ALREADY_MEMBER'])
    expect(await queuedInvitationEmails(member.user.email)).toEqual([])
  })

  it('returns the same response whether or not the address has an account', async () => {
    const { owner, otherUser, url } = await createFamilyFixture()
    const responses = await Promise.all(
      [otherUser.user.email, uniqueEmail()].map((email) =>
        api('POST', `${url}/invitations`, { token: owner.token, json: { email } }),
      ),
    )
    expect(responses.map(({ status, json }) => [status, Object.keys(json)])).toEqual([
      [201, ['id', 'email', 'role', 'createdAt', 'expiresAt']],
      [201, ['id', 'email', 'role', 'createdAt', 'expiresAt']],
    ])
  })

  it.each([
    [{}, ['email']],
    [{ email: 'not-an-address' }, ['email']],
    [{ email: 'a@b.example\r\nBcc: all@example.test' }, ['email']],
    [{ email: 'a@b.example', role: 'admin' }, ['role']],
    [{ email: 'a@b.example', token: 'x', expiresAt: '2030-01-01' }, ['expiresAt', 'token']],
  ])('returns 400 for %j', async (json, fields) => {
    const { owner, url } = await createFamilyFixture()
    const response = await api('POST', `${url}/invitations`, { token: owner.token, json })
    expect([response.status, Object.keys(response.json.error.details).sort()]).toEqual([400, fields])
  })

  it('applies the strict rate limit', async () => {
    const { owner, url } = await createFamilyFixture()
    useLimits({ strict: 2 })
    try {
      const responses = []
      for (const email of [uniqueEmail(), uniqueEmail(), uniqueEmail()]) {
        responses.push(await api('POST', `${url}/invitations`, { token: owner.token, json: { email } }))
      }
      expect(responses.map(({ status }) => status)).toEqual([201, 201, 429])
    } finally {
      useNoLimits()
    }
  })
})
