import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../../support/api'
import { signIn } from '../../../support/factories'
import { createFamily, queuedInvitationEmails, type Caller } from '../../../support/families'

const ROUNDS = 15

type Act = (caller: Caller, familyId: number) => Promise<{ status: number; json: { error?: { code: string } } }>

const leave: Act = ({ user, token }, familyId) =>
  api('DELETE', `/api/families/${familyId}/members/${user.id}`, { token })
const stepDown: Act = ({ user, token }, familyId) =>
  api('PATCH', `/api/families/${familyId}/members/${user.id}`, { token, json: { role: 'member' } })
const deleteAccount: Act = ({ user, token }) => api('DELETE', `/api/users/${user.id}`, { token })

const owners = (familyId: number) => prisma().membership.count({ where: { familyId, role: 'owner' } })

describe('the last owner of a family', () => {
  it.each<[string, Act, Act]>([
    ['both leave', leave, leave],
    ['both step down', stepDown, stepDown],
    ['one leaves and one steps down', leave, stepDown],
    ['one leaves and one deletes the account', leave, deleteAccount],
    ['one steps down and one deletes the account', stepDown, deleteAccount],
    ['both delete their accounts', deleteAccount, deleteAccount],
  ])('remains when %s concurrently', async (_title, first, second) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const [one, other, member] = [await signIn(), await signIn(), await signIn()]
      const family = await createFamily({ owners: [one, other], members: [member] })
      const responses = await Promise.all([first(one, family.id), second(other, family.id)])
      const refused = responses.filter(({ status }) => status === 409)
      expect(responses.map(({ status }) => status).filter((status) => status >= 300)).toEqual([409])
      expect(refused.map(({ json }) => json.error?.code)).toEqual(['LAST_OWNER'])
      expect(await owners(family.id)).toBe(1)
    }
  })

  it('remains when many owners leave concurrently', async () => {
    const callers = await Promise.all(Array.from({ length: 8 }, () => signIn()))
    const family = await createFamily({ owners: callers })
    const responses = await Promise.all(callers.map((caller) => leave(caller, family.id)))
    expect(responses.map(({ status }) => status).sort()).toEqual([...Array(7).fill(204), 409])
    expect(await owners(family.id)).toBe(1)
  })

  it('remains when two owners remove each other concurrently', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const [one, other] = [await signIn(), await signIn()]
      const family = await createFamily({ owners: [one, other] })
      const remove = (by: Caller, whom: Caller) =>
        api('DELETE', `/api/families/${family.id}/members/${whom.user.id}`, { token: by.token })
      const responses = await Promise.all([remove(one, other), remove(other, one)])
      expect(responses.map(({ status }) => status).sort()).toEqual([204, 404])
      expect(await owners(family.id)).toBe(1)
    }
  })

  it('is enforced by a database constraint', async () => {
    const [owner, member] = [await signIn(), await signIn()]
    const family = await createFamily({ owners: [owner], members: [member] })
    const key = { familyId_userId: { familyId: family.id, userId: owner.user.id } }
    await expect(prisma().membership.delete({ where: key })).rejects.toThrow('families_owner_check')
    await expect(prisma().membership.update({ where: key, data: { role: 'member' } })).rejects.toThrow(
      'families_owner_check',
    )
    await expect(prisma().user.delete({ where: { id: owner.user.id } })).rejects.toThrow('families_owner_check')
    expect(await owners(family.id)).toBe(1)
  })
})

describe('concurrent deletion of the accounts of two members', () => {
  it('leaves consistent families in any locking order', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const [one, other] = [await signIn(), await signIn()]
      const families = [
        await createFamily({ owners: [one], members: [other] }),
        await createFamily({ owners: [other], members: [one] }),
      ]
      const responses = await Promise.all([deleteAccount(one, 0), deleteAccount(other, 0)])
      expect(responses.map(({ status }) => status)).toEqual([409, 409])
      expect(await prisma().family.count({ where: { id: { in: families.map(({ id }) => id) } } })).toBe(2)
    }
  })

  it('deletes a family with its only member unless another user joins concurrently', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const [owner, joining] = [await signIn(), await signIn()]
      const family = await createFamily({ owners: [owner] })
      const json = { email: joining.user.email }
      await api('POST', `/api/families/${family.id}/invitations`, { token: owner.token, json })
      const [mail] = await queuedInvitationEmails(joining.user.email)
      const [deleted, joined] = await Promise.all([
        deleteAccount(owner, family.id),
        api('POST', '/api/invitations/accept', { token: joining.token, json: { token: mail?.token } }),
      ])
      expect([
        [204, 401],
        [409, 200],
      ]).toContainEqual([deleted.status, joined.status])
      expect(await owners(family.id)).toBe(joined.status === 200 ? 1 : 0)
    }
  })
})
