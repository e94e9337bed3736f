import { config, setConfig } from '@/lib/config'
import { databasePool, prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { uniqueEmail, PASSWORD, signIn } from '../../support/factories'
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

  it('requires verification again after a change of address, and notifies the old address', async () => {
    const { user, token: accessToken } = await signIn()
    await sendVerification(accessToken)
    const [old = ''] = await mailedTokens(user.email, VERIFY)
    const email = uniqueEmail()
    await api('PATCH', `/api/users/${user.id}`, { token: accessToken, json: { email } })
    const late = await verify(old)
    expect(late.status).toBe(401)
    expect(late.json.error.code).toBe('INVALID_TOKEN')
    const [token = ''] = await mailedTokens(email, VERIFY)
    expect((await verify(token)).status).toBe(204)
    expect(await isVerified(user.id)).toBe(true)
    await waitFor('the notice', async () => (await mailsTo(user.email, 'was changed')).length === 1)
    await api('PATCH', `/api/users/${user.id}`, { token: accessToken, json: { email, name: 'Grace' } })
    await queueIsEmpty()
    expect(await isVerified(user.id)).toBe(true)
    expect(await mailsTo(email, VERIFY)).toHaveLength(1)
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
