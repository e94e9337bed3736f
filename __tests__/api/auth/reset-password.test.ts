import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { uniqueEmail, createApiKey, createUser, PASSWORD, signIn } from '../../support/factories'
import { mailedTokens, mailsTo, useMailFolder } from '../../support/mail'
import { waitFor } from '../../support/wait'
import { useWorker } from '../../support/worker'

useMailFolder()

useWorker()

const RESET = 'Set a new password'

const VERIFY = 'Confirm your e-mail address'

const NEW_PASSWORD = 'battery staple'

const forgot = (email: string) => api('POST', '/api/auth/forgot-password', { json: { email } })

const reset = (token: string, password = NEW_PASSWORD) =>
  api('POST', '/api/auth/reset-password', { json: { token, password } })

const sendVerification = (token: string) => api('POST', '/api/auth/send-verification-email', { token })

const login = (email: string, password: string) => api('POST', '/api/auth/login', { json: { email, password } })

const isVerified = async (id: number) => (await prisma().user.findUniqueOrThrow({ where: { id } })).emailVerified

async function resetToken(email: string): Promise<string> {
  await forgot(email)
  const [token = ''] = await mailedTokens(email, RESET)
  return token
}

async function expireTokens(userId: number): Promise<void> {
  await prisma().emailToken.updateMany({ where: { userId }, data: { expiresAt: new Date(Date.now() - 1000) } })
}

describe('POST /api/auth/reset-password', () => {
  describe('success', () => {
    it('sets the password, revokes all sessions, verifies the address, notifies the owner and records an audit event', async () => {
      const { user, token: accessToken } = await signIn()
      const token = await resetToken(user.email)
      expect((await reset(token)).status).toBe(204)
      expect((await api('GET', '/api/auth/me', { token: accessToken })).status).toBe(401)
      expect((await login(user.email, PASSWORD)).status).toBe(401)
      expect((await login(user.email, NEW_PASSWORD)).status).toBe(200)
      expect(await isVerified(user.id)).toBe(true)
      expect(await prisma().auditEvent.count({ where: { actorId: user.id, action: 'password_reset' } })).toBe(1)
      await waitFor('the notice', async () => (await mailsTo(user.email, 'was changed')).length === 1)
    })

    it('revokes every API key, also one that was created before the owner knew of the account', async () => {
      const { user } = await signIn()
      const { key } = await createApiKey(user, ['users:read'])
      expect((await api('GET', '/api/protected', { token: key })).status).toBe(200)
      expect((await reset(await resetToken(user.email))).status).toBe(204)
      expect((await api('GET', '/api/protected', { token: key })).status).toBe(401)
      expect(await prisma().auditEvent.count({ where: { actorId: user.id, action: 'api_keys_revoked' } })).toBe(1)
    })

    it('accepts one of several concurrent requests', async () => {
      const { email } = await createUser()
      const token = await resetToken(email)
      const passwords = Array.from({ length: 20 }, (_, index) => `password number ${index}`)
      const responses = await Promise.all(passwords.map((password) => reset(token, password)))
      expect(responses.map((response) => response.status).toSorted()).toEqual([204, ...Array<number>(19).fill(401)])
      const codes = responses.filter((response) => response.status === 401).map((response) => response.json.error.code)
      expect(codes).toEqual(Array(19).fill('TOKEN_REUSED'))
      const winner = passwords[responses.findIndex((response) => response.status === 204)] ?? ''
      expect((await login(email, winner)).status).toBe(200)
    })
  })

  describe('validation', () => {
    it('does not use up the token for an invalid password', async () => {
      const { email } = await createUser()
      const token = await resetToken(email)
      for (const password of ['short', 'ü'.repeat(37)]) {
        const response = await reset(token, password)
        expect(response.status).toBe(400)
        expect(Object.keys(response.json.error.details)).toEqual(['password'])
      }
      expect((await reset(token)).status).toBe(204)
    })

    it.each([
      {},
      { token: '', password: NEW_PASSWORD },
      { token: 1, password: NEW_PASSWORD },
      { token: 'x'.repeat(513), password: NEW_PASSWORD },
    ])('returns 400 for %j', async (json) => {
      expect((await api('POST', '/api/auth/reset-password', { json })).status).toBe(400)
    })
  })

  describe('authentication', () => {
    const refused = async (token: string, code: string) => {
      const response = await reset(token)
      expect(response.status).toBe(401)
      expect(response.json.error.code).toBe(code)
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
    }

    it('returns 401 for an unknown token', async () => {
      await refused('made-up', 'INVALID_TOKEN')
      await refused("%00' OR 1=1 --", 'INVALID_TOKEN')
    })

    it('returns 401 for an expired and for a used token', async () => {
      const user = await createUser()
      const token = await resetToken(user.email)
      await expireTokens(user.id)
      await refused(token, 'TOKEN_EXPIRED')
      const other = await createUser()
      const used = await resetToken(other.email)
      await reset(used)
      await refused(used, 'TOKEN_REUSED')
      await expireTokens(other.id)
      await refused(used, 'TOKEN_REUSED')
    })

    it('returns 401 for every older token after a reset', async () => {
      const { email } = await createUser()
      await forgot(email)
      await forgot(email)
      const [first = '', second = ''] = await mailedTokens(email, RESET, 2)
      expect((await reset(second)).status).toBe(204)
      await refused(first, 'INVALID_TOKEN')
    })

    it('returns 401 for a token that was sent to a former address', async () => {
      const { user } = await signIn()
      const token = await resetToken(user.email)
      const admin = await signIn({ role: 'admin' })
      await api('PATCH', `/api/users/${user.id}`, { token: admin.token, json: { email: uniqueEmail() } })
      await refused(token, 'INVALID_TOKEN')
    })

    it('returns 401 for a token of a deleted account and for a verification token', async () => {
      const { user, token: accessToken } = await signIn()
      const token = await resetToken(user.email)
      await sendVerification(accessToken)
      const [forVerifying = ''] = await mailedTokens(user.email, VERIFY)
      await refused(forVerifying, 'INVALID_TOKEN')
      await prisma().user.delete({ where: { id: user.id } })
      await refused(token, 'INVALID_TOKEN')
    })

    it('returns 401 for the stored hash', async () => {
      const user = await createUser()
      await resetToken(user.email)
      const row = await prisma().emailToken.findFirstOrThrow({ where: { userId: user.id } })
      await refused(Buffer.from(row.hash).toString('base64url'), 'INVALID_TOKEN')
    })
  })
})
