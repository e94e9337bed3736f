import { config, setConfig } from '@/lib/config'
import type { User } from '@/lib/domains/users/schema'
import { databasePool, prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { createUser, uniqueEmail, PASSWORD, signIn } from '../../support/factories'
import { mailedTokens, mailsTo, useMailFolder } from '../../support/mail'
import { waitFor } from '../../support/wait'
import { useWorker } from '../../support/worker'

useMailFolder()

useWorker()

const RESET = 'Set a new password'

const VERIFY = 'Confirm your e-mail address'

const forgot = (email: string) => api('POST', '/api/auth/forgot-password', { json: { email } })

const verify = (token: string) => api('POST', '/api/auth/verify-email', { json: { token } })

const sendVerification = (token: string) => api('POST', '/api/auth/send-verification-email', { token })

const isVerified = async (id: number) => (await prisma().user.findUniqueOrThrow({ where: { id } })).emailVerified

const queueIsEmpty = () =>
  waitFor('the queue to be empty', async () => {
    const { rows } = await databasePool().query<{ count: number }>(
      `SELECT count(*)::int FROM graphile_worker.jobs WHERE task_identifier <> 'clean-up'`,
    )
    return rows[0]?.count === 0
  })

async function resetToken(email: string): Promise<string> {
  await forgot(email)
  const [token = ''] = await mailedTokens(email, RESET)
  return token
}

async function expireTokens(userId: number): Promise<void> {
  await prisma().emailToken.updateMany({ where: { userId }, data: { expiresAt: new Date(Date.now() - 1000) } })
}

describe('POST /api/auth/verify-email', () => {
  it('accepts the token that is mailed on registration, also by an admin, once', async () => {
    const email = uniqueEmail()
    const signedUp = await api('POST', '/api/auth/register', { json: { email, password: PASSWORD } })
    expect(signedUp.json.user.emailVerified).toBe(false)
    const [token = ''] = await mailedTokens(email, VERIFY)
    expect((await verify(token)).status).toBe(204)
    const me = await api<{ user: { emailVerified: boolean } }>('GET', '/api/auth/me', { token: signedUp.json.token })
    expect(me.json.user.emailVerified).toBe(true)
    expect((await verify(token)).json.error.code).toBe('TOKEN_REUSED')

    const other = uniqueEmail()
    await api('POST', '/api/users', { json: { email: other, password: PASSWORD } })
    expect(await mailedTokens(other, VERIFY)).toHaveLength(1)
  })

  it('makes a pending address that of the account, and notifies the old address', async () => {
    const { user, token: accessToken } = await signIn()
    await sendVerification(accessToken)
    const [old = ''] = await mailedTokens(user.email, VERIFY)
    const email = uniqueEmail()
    const url = `/api/users/${user.id}`
    const changed = await api<User>('PATCH', url, { token: accessToken, json: { email } })
    expect(changed.json).toMatchObject({ email: user.email, pendingEmail: email })
    const [token = ''] = await mailedTokens(email, VERIFY)
    expect((await verify(token)).status).toBe(204)
    const { json } = await api<User>('GET', url, { token: accessToken })
    expect(json).toMatchObject({ email, pendingEmail: null, emailVerified: true })
    expect((await verify(old)).json.error.code).toBe('INVALID_TOKEN')
    expect((await verify(token)).json.error.code).toBe('TOKEN_REUSED')
    await waitFor('the notice', async () => (await mailsTo(user.email, 'was changed')).length === 1)
    await api('PATCH', url, { token: accessToken, json: { email, name: 'Grace' } })
    await queueIsEmpty()
    expect(await isVerified(user.id)).toBe(true)
    expect(await mailsTo(email, VERIFY)).toHaveLength(1)
    const events = await prisma().auditEvent.findMany({ where: { actorId: user.id }, orderBy: { id: 'asc' } })
    expect(events.map(({ action }) => action)).toEqual([
      'sign_in',
      'email_change_requested',
      'email_changed',
      'email_verified',
    ])
  })

  it('returns 401 for a pending address that another account has by now', async () => {
    const { user, token: accessToken } = await signIn()
    const email = uniqueEmail()
    await api('PATCH', `/api/users/${user.id}`, { token: accessToken, json: { email } })
    const [token = ''] = await mailedTokens(email, VERIFY)
    await createUser({ email })
    expect((await verify(token)).json.error.code).toBe('INVALID_TOKEN')
  })

  it('returns 401 for a pending address after a reset or a change of the password', async () => {
    const { user, token: accessToken } = await signIn()
    const [first, second] = [uniqueEmail(), uniqueEmail()]
    const request = (email: string) => api('PATCH', `/api/users/${user.id}`, { token: accessToken, json: { email } })
    await request(first)
    const [afterChange = ''] = await mailedTokens(first, VERIFY)
    const passwords = { currentPassword: PASSWORD, newPassword: 'a better horse' }
    await api('POST', '/api/auth/change-password', { token: accessToken, json: passwords })
    expect((await verify(afterChange)).json.error.code).toBe('INVALID_TOKEN')
    await request(second)
    const [afterReset = ''] = await mailedTokens(second, VERIFY)
    const json = { token: await resetToken(user.email), password: 'the best horse' }
    expect((await api('POST', '/api/auth/reset-password', { json })).status).toBe(204)
    expect((await verify(afterReset)).json.error.code).toBe('INVALID_TOKEN')
  })

  it('accepts one of several concurrent requests', async () => {
    const { user, token: accessToken } = await signIn()
    await sendVerification(accessToken)
    const [token = ''] = await mailedTokens(user.email, VERIFY)
    const responses = await Promise.all(Array.from({ length: 20 }, () => verify(token)))
    expect(responses.map((response) => response.status).toSorted()).toEqual([204, ...Array<number>(19).fill(401)])
    expect(await prisma().auditEvent.count({ where: { actorId: user.id, action: 'email_verified' } })).toBe(1)
  })

  it('returns 401 for an unknown token, an expired token and a password reset token', async () => {
    const { user, token: accessToken } = await signIn()
    await sendVerification(accessToken)
    const [token = ''] = await mailedTokens(user.email, VERIFY)
    const forReset = await resetToken(user.email)
    await expireTokens(user.id)
    const codes = [await verify('made-up'), await verify(token), await verify(forReset)].map(
      (response) => response.json.error.code,
    )
    expect(codes).toEqual(['INVALID_TOKEN', 'TOKEN_EXPIRED', 'INVALID_TOKEN'])
    expect(await isVerified(user.id)).toBe(false)
  })

  it('accepts the token for the configured lifetime', async () => {
    const before = config()
    setConfig({ ...before, verifyTokenTtlSeconds: 1 })
    const { user, token: accessToken } = await signIn()
    await sendVerification(accessToken)
    const row = await prisma().emailToken.findFirstOrThrow({ where: { userId: user.id } })
    setConfig(before)
    expect(row.expiresAt.getTime() - row.createdAt.getTime()).toBeLessThan(2_000)
    await queueIsEmpty()
  })

  it('returns 400 without a token', async () => {
    expect((await api('POST', '/api/auth/verify-email', { json: {} })).status).toBe(400)
  })
})
