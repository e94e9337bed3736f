import { SCOPES } from '@/lib/auth/scopes'
import { domains } from '@/lib/openapi/domains'
import type { Operation } from '@/lib/openapi/operation'
import { operations, part } from '../support/document'
import { api } from '../support/api'
import { makeApiKey, makeUser, signIn } from '../support/factories'

const declared = domains
  .flatMap((domain) => domain.operations)
  .map((operation) => ({ name: `${operation.method.toUpperCase()} ${operation.path}`, operation }))
const guarded = declared.filter(({ operation }) => ['user', 'self', 'admin'].includes(operation.audience))
const optional = declared.filter(({ operation }) => operation.audience === 'optional')
const ofScope = [...guarded, ...optional].filter(({ operation }) => operation.scope !== 'any')
const ofOthers = guarded.filter(({ operation }) => operation.audience === 'self' || operation.audience === 'admin')

/** A request that is sound but for who makes it. */
async function call({ method, path }: Operation, token?: string, parameters: Record<string, string> = {}) {
  const url = path.replace(/\{(\w+)\}/g, (_braces, name: string) => parameters[name] ?? '1')
  const found = operations.find((one) => one.method === method && one.path === path)
  const json = part(found?.operation, 'requestBody', 'content', 'application/json')['example']
  const { status, json: answer } = await api(method.toUpperCase(), url, { token, json })
  return { status, code: answer?.error.code }
}

describe('every route that is not public', () => {
  it.each(guarded)('refuses whoever has no credentials: $name', async ({ operation }) => {
    expect(await call(operation)).toEqual({ status: 401, code: 'UNAUTHORIZED' })
  })

  it.each([...guarded, ...optional])('refuses credentials that are not valid: $name', async ({ operation }) => {
    expect(await call(operation, 'not.a.token')).toEqual({ status: 401, code: 'UNAUTHORIZED' })
    expect(await call(operation, `hk_${'A'.repeat(43)}`)).toEqual({ status: 401, code: 'UNAUTHORIZED' })
  })

  it.each(ofScope)('refuses an admin’s API key with every scope but the one it needs: $name', async ({ operation }) => {
    const owner = await makeUser({ role: 'admin' })
    const { key } = await makeApiKey(
      owner,
      SCOPES.filter((scope) => scope !== operation.scope),
    )
    expect(await call(operation, key)).toEqual({ status: 403, code: 'FORBIDDEN' })
  })

  it.each(ofOthers)('refuses a stranger: $name', async ({ operation }) => {
    const other = await makeUser()
    const { token } = await signIn()
    expect(await call(operation, token, { id: String(other.id) })).toEqual({ status: 403, code: 'FORBIDDEN' })
  })
})
