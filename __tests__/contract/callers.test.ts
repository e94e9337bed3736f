import { SCOPES, type Scope } from '@/lib/platform/identity/scopes'
import { requiredScope, type Operation } from '@/lib/platform/operation'
import { api, routes } from '../support/api'
import { ageAuthentication, createApiKey, signIn } from '../support/factories'
import { goodToken, invalidTokens } from './invalid-tokens'
import { createResource, bodyOf, byName, fill, isForAdmins, operations, ownerFor } from './operations'
import { resourceFixtures, type ExpectedResult } from './resource-fixtures'

const protectedOperations = operations.filter(({ access }) => access !== 'public')

/** Returns the route file of a path. */
function fileOf(path: string): string {
  const url = fill(path, {})
  return routes.find(({ pattern }) => pattern.test(url))?.file ?? `no file for ${path}`
}

/** Calls an operation. Returns 'pass' if the handler ran, whatever its result, and otherwise the status. */
async function resultOf(
  operation: Operation,
  url: string,
  token: string | undefined,
  body = bodyOf(operation),
): Promise<ExpectedResult | 401> {
  const { status, json } = await api(operation.method, url, { token, json: body })
  expect(status).toBeLessThan(500)
  if (status === 401) return json.error.code === 'UNAUTHORIZED' ? 401 : 'pass'
  return status === 403 || status === 404 ? status : 'pass'
}

/** Returns the expected results of another user, an admin and the callers of the resource. */
function expected(operation: Operation): Record<string, ExpectedResult> {
  const { path, method } = operation
  const declared = resourceFixtures[path]?.others[method]
  if (path.includes('{') && declared === undefined) {
    throw new Error(`__tests__/contract/resource-fixtures.ts has no entry for ${method} ${path}`)
  }
  return declared ?? { otherUser: isForAdmins(operation) ? 403 : 'pass', admin: 'pass' }
}

describe('the OpenAPI document', () => {
  it('declares exactly the methods of every route', async () => {
    const found = await Promise.all(
      routes
        .filter(({ file }) => file !== '[...unknown].ts')
        .map(async ({ file }) => {
          const path = `/api/${file.replace(/(\/?index)?\.ts$/, '').replace(/\[[^\]]+\]/g, '1')}`.replace(/\/$/, '')
          const { status, headers } = await api('PURGE', path)
          expect([file, status]).toEqual([file, 405])
          const methods = (headers.get('allow') ?? '')
            .split(', ')
            .filter((name) => name !== 'HEAD' && name !== 'OPTIONS')
          return methods.map((method) => `${method} ${file}`)
        }),
    )
    const declared = operations.map(({ method, path }) => `${method} ${fileOf(path)}`)
    expect([...new Set(declared)].sort()).toEqual(found.flat().sort())
  })
})

describe('the token that invalid tokens are derived from', () => {
  it('is valid', async () => {
    expect((await api('GET', '/api/auth/me', { token: await goodToken() })).status).toBe(200)
  })
})

let invalid: Record<string, string> = {}
beforeAll(async () => {
  invalid = await invalidTokens()
})

describe.each(byName(protectedOperations))('%s', (_name, operation) => {
  const { access, method } = operation
  const scope = requiredScope(access, method)
  const isOptional = access !== 'public' && access.optional === true

  it(`${isOptional ? 'accepts' : 'returns 401 to'} a caller without credentials`, async () => {
    const { url } = await createResource(await ownerFor(operation), operation)
    if (isOptional) {
      expect(await resultOf(operation, url, undefined)).not.toBe(401)
      return
    }
    const response = await api(method, url)
    expect([response.status, response.json.error.code]).toEqual([401, 'UNAUTHORIZED'])
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
  })

  it('rejects invalid, expired and revoked tokens', async () => {
    const { url } = await createResource(await ownerFor(operation), operation)
    await Promise.all(
      Object.entries(invalid).map(async ([name, token]) => {
        const { status, text } = await api(method, url, { token })
        expect([name, status, JSON.parse(text)]).toMatchObject([name, 401, { error: { code: 'UNAUTHORIZED' } }])
      }),
    )
  })

  it('accepts a caller with the required role', async () => {
    const owner = await ownerFor(operation)
    const { url } = await createResource(owner, operation)
    expect(await resultOf(operation, url, owner.token)).toBe('pass')
  })

  it('returns the declared status for every other caller', async () => {
    const wanted = expected(operation)
    const met: Record<string, ExpectedResult | 401> = {}
    for (const caller of Object.keys(wanted)) {
      const { url, callers } = await createResource(await ownerFor(operation), operation)
      const { token } = await signIn(caller === 'admin' ? { role: 'admin' } : {})
      met[caller] = await resultOf(operation, url, callers[caller] ?? token)
    }
    expect(met).toEqual(wanted)
  })

  it(`accepts API keys with the scope ${scope ?? '(none)'} only`, async () => {
    const attempt = async (scopes: Scope[]) => {
      const owner = await ownerFor(operation)
      const { url, replacement } = await createResource(owner, operation)
      return resultOf(operation, url, (await createApiKey(owner.user, scopes)).key, replacement)
    }
    const others = SCOPES.filter((one) => one !== scope)
    expect(await attempt(others)).toBe(scope === 'any' ? 'pass' : 403)
    expect(await attempt(scope === undefined || scope === 'any' ? [...SCOPES] : [scope])).toBe(
      scope === undefined ? 403 : 'pass',
    )
  })

  it('gives an API key no more permissions than its owner has', async () => {
    const otherUser = expected(operation)['otherUser']
    const { url } = await createResource(await ownerFor(operation), operation)
    const { key } = await createApiKey((await signIn()).user, [...SCOPES])
    expect(await resultOf(operation, url, key)).toBe(scope === undefined ? 403 : otherUser)
  })
})

const recentOperations = protectedOperations.filter(({ access }) => access !== 'public' && access.recent === true)

describe.each(byName(recentOperations))('%s', (_name, operation) => {
  it('requires a recent proof of identity', async () => {
    const owner = await ownerFor(operation)
    const { url } = await createResource(owner, operation)
    await ageAuthentication(owner.sessionId)
    const { status, json } = await api(operation.method, url, { token: owner.token, json: bodyOf(operation) })
    expect([status, json.error.code]).toEqual([403, 'REAUTHENTICATION_REQUIRED'])
  })
})

describe.each(byName(operations.filter(({ access }) => access === 'public')))('%s', (_name, operation) => {
  it('ignores invalid credentials', async () => {
    const url = fill(operation.path, {})
    const without = await api(operation.method, url)
    await Promise.all(
      Object.values(invalid).map(async (token) => {
        expect((await api(operation.method, url, { token })).status).toBe(without.status)
      }),
    )
  })
})
