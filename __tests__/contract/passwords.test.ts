import { appointAdmin } from '@/lib/domains/auth/accounts/service'
import { config, setConfig } from '@/lib/config'
import { api } from '../support/api'
import { createUser, PASSWORD, signIn, uniqueEmail } from '../support/factories'
import { mailedTokens, useMailFolder } from '../support/mail'
import { useWorker } from '../support/worker'

useMailFolder()

useWorker()

const WEAK = ['password', 'QwertyUIOP', '12345678', 'aaaaaaaa', ' '.repeat(8), 'é'.repeat(20)]
const NAME = 'Grace Hopper'
const personal = (email: string) => [email, email.toUpperCase(), email.split('@')[0] ?? '', NAME, 'gracehopper']

/** Each sets a password for an account with this e-mail address and `NAME`. */
const operations = {
  'POST /api/auth/register': {
    field: 'password',
    attempts: async (email: string) => (password: string) =>
      api('POST', '/api/auth/register', { json: { email, password, name: NAME } }),
  },
  'POST /api/users': {
    field: 'password',
    attempts: async (email: string) => (password: string) =>
      api('POST', '/api/users', { json: { email, password, name: NAME } }),
  },
  'POST /api/auth/change-password': {
    field: 'newPassword',
    attempts: async (email: string) => {
      await createUser({ email, name: NAME })
      const { token } = (await api('POST', '/api/auth/login', { json: { email, password: PASSWORD } })).json
      return (newPassword: string) =>
        api('POST', '/api/auth/change-password', { token, json: { currentPassword: PASSWORD, newPassword } })
    },
  },
  'POST /api/auth/reset-password': {
    field: 'password',
    attempts: async (email: string) => {
      await createUser({ email, name: NAME })
      await api('POST', '/api/auth/forgot-password', { json: { email } })
      const [token] = await mailedTokens(email, 'Set a new password')
      return (password: string) => api('POST', '/api/auth/reset-password', { json: { token, password } })
    },
  },
}

describe.each(Object.entries(operations))('%s', (_name, { field, attempts }) => {
  it('returns 400 for a common password, one repeated character, the e-mail address and the name', async () => {
    const email = uniqueEmail()
    const attempt = await attempts(email)
    for (const password of [...WEAK, ...personal(email)]) {
      const { status, json } = await attempt(password)
      expect([password, status, Object.keys(json.error?.details ?? {})]).toEqual([password, 400, [field]])
    }
    expect((await attempt('a better horse')).status).toBeLessThan(300)
  })
})

it('reports a common password with the other invalid fields', async () => {
  const { json } = await api('POST', '/api/auth/register', { json: { email: 'no address', password: 'password' } })
  expect(json.error.details).toEqual({
    email: ['must be a valid email'],
    password: ['must not be one of the most common passwords'],
  })
})

it('does not concern passwords that are set already', async () => {
  const { user } = await signIn()
  const response = await api('POST', '/api/auth/login', { json: { email: user.email, password: 'password' } })
  expect(response.json.error.code).toBe('INVALID_CREDENTIALS')
})

it('does not appoint an admin with a weak password', async () => {
  const email = uniqueEmail()
  await expect(appointAdmin({ email, password: 'password1', name: null })).rejects.toThrow('The password must not be')
  await expect(appointAdmin({ email, password: email, name: null })).rejects.toThrow('The request is not valid')
})

describe('with PASSWORD_DENY_LIST=false', () => {
  it('accepts every password of sufficient length', async () => {
    setConfig({ ...config(), passwordDenyList: false })
    const json = { email: uniqueEmail(), password: 'password' }
    expect((await api('POST', '/api/auth/register', { json })).status).toBe(201)
  })
})
