import type { Family, FamilyRole } from '@/lib/domains/families/schema'
import { config, setConfig } from '@/lib/config'
import { deleteOldInvitations } from '@/lib/domains/families/invitations/repository'
import { prisma } from '@/lib/platform/db/prisma'
import { api, type Body } from '../../support/api'
import { createApiKey, signIn } from '../../support/factories'
import { createFamilyFixture, queuedInvitationEmails, removeMemberDirectly, type Caller } from '../../support/families'

type Accepted = Body & { family: Family }

const accept = (caller: Caller, token: unknown) =>
  api<Accepted>('POST', '/api/invitations/accept', { token: caller.token, json: { token } })

/** Creates a family and an invitation. Returns them with the invited user and the mailed token. */
async function createInvited(role: FamilyRole = 'member') {
  const fixture = await createFamilyFixture()
  const { email } = fixture.otherUser.user
  await api('POST', `${fixture.url}/invitations`, { token: fixture.owner.token, json: { email, role } })
  const [mail] = await queuedInvitationEmails(email)
  return { ...fixture, invited: fixture.otherUser, token: mail?.token ?? '' }
}

describe('POST /api/invitations/accept', () => {
  describe('success', () => {
    it('makes the invited user a member, once', async () => {
      const { invited, family, url, token } = await createInvited()
      const response = await accept(invited, token)
      expect(response.status).toBe(200)
      expect(response.json.family).toMatchObject({ id: family.id, name: family.name })
      expect((await api('GET', url, { token: invited.token })).status).toBe(200)
      expect((await api('DELETE', url, { token: invited.token })).status).toBe(403)
      const again = await accept(invited, token)
      expect([again.status, again.json.error.code]).toEqual([401, 'TOKEN_REUSED'])
    })

    it('assigns the role of the invitation', async () => {
      const { invited, url, token } = await createInvited('owner')
      await accept(invited, token)
      expect((await api('DELETE', url, { token: invited.token })).status).toBe(204)
    })

    it('accepts one of several concurrent requests', async () => {
      const { invited, token } = await createInvited()
      const responses = await Promise.all(Array.from({ length: 8 }, () => accept(invited, token)))
      expect(responses.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(401)])
    })

    it('compares the current address of the user', async () => {
      const { invited, token } = await createInvited()
      const { email } = invited.user
      await prisma().user.update({ where: { id: invited.user.id }, data: { email: `moved-${email}` } })
      expect((await accept(invited, token)).json.error.code).toBe('INVALID_TOKEN')
      await prisma().user.update({ where: { id: invited.user.id }, data: { email } })
      expect((await accept(invited, token)).status).toBe(200)
    })
  })

  describe('an invitation whose sender is no longer an owner', () => {
    it.each(['is removed', 'leaves', 'becomes a member'])('is revoked when the sender %s', async (change) => {
      const { owner, otherOwner, url, invited, token } = await createInvited('owner')
      const caller = change === 'leaves' ? owner : otherOwner
      const method = change === 'becomes a member' ? 'PATCH' : 'DELETE'
      const json = method === 'PATCH' ? { role: 'member' } : undefined
      const response = await api(method, `${url}/members/${owner.user.id}`, { token: caller.token, json })
      expect(response.status).toBeLessThan(300)
      const { json: list } = await api<{ invitations: object[] }>('GET', `${url}/invitations`, {
        token: otherOwner.token,
      })
      expect(list.invitations).toEqual([])
      expect((await accept(invited, token)).json.error.code).toBe('INVALID_TOKEN')
    })

    it('is rejected even if the invitation was stored', async () => {
      const { owner, family, invited, token } = await createInvited('owner')
      await removeMemberDirectly(family.id, owner.user.id)
      expect((await accept(invited, token)).json.error.code).toBe('INVALID_TOKEN')
    })

    it('leaves the invitations of other owners', async () => {
      const { member, otherOwner, url, invited, token } = await createInvited()
      await api('DELETE', `${url}/members/${member.user.id}`, { token: otherOwner.token })
      expect((await accept(invited, token)).status).toBe(200)
    })
  })

  describe('invalid tokens', () => {
    it('returns the same error to other users as for an unknown token, which stays valid for the invited user', async () => {
      const { invited, owner, admin, token } = await createInvited()
      const made = await accept(owner, 'x'.repeat(43))
      for (const caller of [owner, admin, await signIn()]) {
        const response = await accept(caller, token)
        expect(response.status).toBe(401)
        expect({ ...response.json.error, requestId: '' }).toEqual({ ...made.json.error, requestId: '' })
      }
      expect((await accept(invited, token)).status).toBe(200)
      expect((await accept(owner, token)).json.error.code).toBe('INVALID_TOKEN')
    })

    it('returns TOKEN_EXPIRED after the configured lifetime', async () => {
      const original = config()
      setConfig({ ...original, invitationTtlSeconds: 0 })
      try {
        const { invited, token, owner } = await createInvited()
        const response = await accept(invited, token)
        expect([response.status, response.json.error.code]).toEqual([401, 'TOKEN_EXPIRED'])
        expect((await accept(owner, token)).json.error.code).toBe('INVALID_TOKEN')
      } finally {
        setConfig(original)
      }
    })

    it('returns 401 for similar tokens, and the token stays valid', async () => {
      const { invited, token } = await createInvited()
      const near = [token.slice(1), `${token}=`, ` ${token}`, `${token}a`, token.toLowerCase(), token.toUpperCase()]
      for (const tried of near) expect([tried, (await accept(invited, tried)).status]).toEqual([tried, 401])
      expect((await accept(invited, token)).status).toBe(200)
    })

    it('returns 401 after the family is deleted', async () => {
      const { invited, owner, url, token } = await createInvited()
      await api('DELETE', url, { token: owner.token })
      expect((await accept(invited, token)).json.error.code).toBe('INVALID_TOKEN')
    })

    it('returns 409 to a user who is already a member, whose role stays the same', async () => {
      const { invited, family, token } = await createInvited('owner')
      const membership = { familyId: family.id, userId: invited.user.id, role: 'member' } as const
      await prisma().membership.create({ data: membership })
      const response = await accept(invited, token)
      expect([response.status, response.json.error.code]).toEqual([409, 'ALREADY_MEMBER'])
      expect(await prisma().membership.findFirst({ where: { ...membership, role: 'owner' } })).toBeNull()
    })

    it('either revokes or accepts the invitation when both happen concurrently', async () => {
      for (let round = 0; round < 10; round += 1) {
        const { invited, owner, url, token } = await createInvited()
        const [open] = await prisma().invitation.findMany({ where: { email: invited.user.email } })
        const [withdrawn, accepted] = await Promise.all([
          api('DELETE', `${url}/invitations/${open?.id}`, { token: owner.token }),
          accept(invited, token),
        ])
        const isMember = (await api('GET', url, { token: invited.token })).status === 200
        expect([withdrawn.status, accepted.status, isMember]).toEqual(isMember ? [404, 200, true] : [204, 401, false])
      }
    })
  })

  describe('validation', () => {
    it.each([{}, { token: '' }, { token: 5 }, { token: 'x'.repeat(513) }, { token: 'a\0b' }])(
      'returns 400 for %j',
      async (json) => {
        const { token } = await signIn()
        const response = await api('POST', '/api/invitations/accept', { token, json })
        expect([response.status, Object.keys(response.json.error.details)]).toEqual([400, ['token']])
      },
    )

    it.each(["' OR 1=1 --", '😀', '../../x', 'null'])('returns 401 for the unknown token %s', async (token) => {
      const response = await accept(await signIn(), token)
      expect([response.status, response.json.error.code]).toEqual([401, 'INVALID_TOKEN'])
    })
  })

  it('returns 401 without credentials', async () => {
    const { token } = await createInvited()
    const response = await api('POST', '/api/invitations/accept', { json: { token } })
    expect([response.status, response.json.error.code]).toEqual([401, 'UNAUTHORIZED'])
  })

  it('returns 403 for an API key of the invited user without families:write', async () => {
    const { invited, token } = await createInvited()
    const { key } = await createApiKey(invited.user, ['families:read'])
    const response = await api('POST', '/api/invitations/accept', { token: key, json: { token } })
    expect([response.status, response.json.error.code]).toEqual([403, 'FORBIDDEN'])
  })
})

describe('the clean-up of old invitations', () => {
  it('deletes only invitations that expired a month ago', async () => {
    const [old, fresh] = [await createInvited(), await createInvited()]
    const days = (count: number) => new Date(Date.now() - count * 86_400_000)
    const setEnd = (familyId: number, expiresAt: Date) =>
      prisma().invitation.updateMany({ where: { familyId }, data: { expiresAt } })
    await setEnd(old.family.id, days(31))
    await setEnd(fresh.family.id, days(29))
    expect(await deleteOldInvitations()).toBe(1)
    expect((await accept(old.invited, old.token)).json.error.code).toBe('INVALID_TOKEN')
    expect((await accept(fresh.invited, fresh.token)).json.error.code).toBe('TOKEN_EXPIRED')
  })
})
