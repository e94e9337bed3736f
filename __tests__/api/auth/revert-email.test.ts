import type { User } from '@/lib/domains/users/schema'
import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { createApiKey, PASSWORD, signIn, uniqueEmail } from '../../support/factories'
import { mailedTokens, mailsTo, useMailFolder } from '../../support/mail'
import { waitFor } from '../../support/wait'
import { useWorker } from '../../support/worker'

useMailFolder()

useWorker()

const VERIFY = 'Confirm your e-mail address'
const CHANGED = 'Your e-mail address was changed'

const revert = (token: string) => api('POST', '/api/auth/revert-email', { json: { token } })
const login = async (email: string, password: string) =>
  (await api('POST', '/api/auth/login', { json: { email, password } })).status
const statusOf = async (token: string) => (await api('GET', '/api/protected', { token })).status

/** Creates a user with a verified address and moves the account to another one. */
async function createMoved() {
  const caller = await signIn()
  const { user, token } = caller
  await prisma().user.update({ where: { id: user.id }, data: { emailVerified: true } })
  const email = await move(caller)
  const [revertToken = ''] = await mailedTokens(user.email, CHANGED)
  return { ...caller, token, email, revertToken }
}

/** Changes the address with the access token and the mail to the new address, and returns it. */
async function move({ user, token }: { user: User; token: string }): Promise<string> {
  const email = uniqueEmail()
  await api('PATCH', `/api/users/${user.id}`, { token, json: { email } })
  const [verifyToken = ''] = await mailedTokens(email, VERIFY)
  expect((await api('POST', '/api/auth/verify-email', { json: { token: verifyToken } })).status).toBe(204)
  return email
}

describe('POST /api/auth/revert-email', () => {
  it('restores the previous address and revokes sessions and API keys, once', async () => {
    const { user, token, email, revertToken } = await createMoved()
    const { key } = await createApiKey(user, ['users:read'])
    expect([await statusOf(token), await statusOf(key)]).toEqual([200, 200])
    expect((await revert(revertToken)).status).toBe(204)
    expect([await statusOf(token), await statusOf(key)]).toEqual([401, 401])
    expect(await prisma().user.findUniqueOrThrow({ where: { id: user.id } })).toMatchObject({
      email: user.email,
      pendingEmail: null,
      emailVerified: true,
    })
    expect([await login(email, PASSWORD), await login(user.email, PASSWORD)]).toEqual([401, 200])
    expect((await revert(revertToken)).json.error.code).toBe('TOKEN_REUSED')
    expect(await prisma().auditEvent.count({ where: { actorId: user.id, action: 'email_reverted' } })).toBe(1)
  })

  it('revokes a password that was set since, and the links of later addresses', async () => {
    const moved = await createMoved()
    const { user, token, email, revertToken } = moved
    const json = { currentPassword: PASSWORD, newPassword: 'of the attacker' }
    expect((await api('POST', '/api/auth/change-password', { token, json })).status).toBe(204)
    await move(moved)
    const [laterToken = ''] = await mailedTokens(email, CHANGED)
    expect((await revert(revertToken)).status).toBe(204)
    expect(await login(user.email, 'of the attacker')).toBe(401)
    expect((await revert(laterToken)).json.error.code).toBe('INVALID_TOKEN')
  })

  it('mails no link to an address that was not verified', async () => {
    const caller = await signIn()
    await move(caller)
    await waitFor('the notice', async () => (await mailsTo(caller.user.email, CHANGED)).length === 1)
    expect(await prisma().emailToken.count({ where: { userId: caller.user.id, purpose: 'revert_email' } })).toBe(0)
  })

  it('returns 401 for an unknown token, an expired token and an address that another account has', async () => {
    expect((await revert('made-up')).json.error.code).toBe('INVALID_TOKEN')
    const { user, revertToken } = await createMoved()
    const other = await signIn()
    await prisma().user.update({ where: { id: other.user.id }, data: { email: user.email } })
    expect((await revert(revertToken)).json.error.code).toBe('INVALID_TOKEN')
    const expiresAt = new Date(Date.now() - 1_000)
    await prisma().emailToken.updateMany({ where: { userId: user.id }, data: { expiresAt } })
    expect((await revert(revertToken)).json.error.code).toBe('TOKEN_EXPIRED')
  })

  it('returns 400 without a token', async () => {
    expect((await api('POST', '/api/auth/revert-email', { json: {} })).status).toBe(400)
  })
})
