import { SCOPES, type Scope } from '@/lib/platform/identity/scopes'
import { requiredScope, type Operation } from '@/lib/platform/operation'
import { api, routes } from '../support/api'
import { createApiKey, signIn } from '../support/factories'
import { goodToken, invalidTokens } from './invalid-tokens'
import { about, bodyOf, byName, fill, isForAdmins, operations, ownerFor } from './operations'
import { subjects, type ExpectedResult } from './resource-fixtures'

const guarded = operations.filter(({ access }) => access !== 'public')

/** The file that answers a path. */
function fileOf(path: string): string {
  const url = fill(path, {})
  return routes.find(({ pattern }) => pattern.test(url))?.file ?? `no file for ${path}`
}

/** How a caller is received: what is not refused got as far as the route's own work, whatever came of it there. */
async function receptionOf(
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

/** What another user, an admin and the subject's own callers have to meet. */
function expected(operation: Operation): Record<string, ExpectedResult> {
  const { path, method } = operation
  const ofSubject = subjects[path]?.others[method]
  if (path.includes('{') && ofSubject === undefined) {
    throw new Error(`__tests__/contract/resource-fixtures.ts has no entry for ${method} ${path}`)
  }
  return ofSubject ?? { otherUser: isForAdmins(operation) ? 403 : 'pass', admin: 'pass' }
}

describe('the routes', () => {
  it('are those of the document, method by method', async () => {
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

describe('a token as ours are', () => {
  it('is good, so that those below are refused for what they differ in', async () => {
    expect((await api('GET', '/api/auth/me', { token: await goodToken() })).status).toBe(200)
  })
})

let useless: Record<string, string> = {}
beforeAll(async () => {
  useless = await invalidTokens()
})

describe.each(byName(guarded))('%s', (_name, operation) => {
  const { access, method } = operation
  const scope = requiredScope(access, method)
  const isOptional = access !== 'public' && access.optional === true

  it(`${isOptional ? 'lets in' : 'refuses'} a caller without credentials`, async () => {
    const { url } = await about(await ownerFor(operation), operation)
    if (isOptional) {
      expect(await receptionOf(operation, url, undefined)).not.toBe(401)
      return
    }
    const response = await api(method, url)
    expect([response.status, response.json.error.code]).toEqual([401, 'UNAUTHORIZED'])
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
  })

  it('refuses credentials that speak for nobody', async () => {
    const { url } = await about(await ownerFor(operation), operation)
    await Promise.all(
      Object.entries(useless).map(async ([name, token]) => {
        const { status, text } = await api(method, url, { token })
        expect([name, status, JSON.parse(text)]).toMatchObject([name, 401, { error: { code: 'UNAUTHORIZED' } }])
      }),
    )
  })

  it('lets in whom it is for', async () => {
    const owner = await ownerFor(operation)
    const { url } = await about(owner, operation)
    expect(await receptionOf(operation, url, owner.token)).toBe('pass')
  })

  it('receives everybody else as is declared', async () => {
    const wanted = expected(operation)
    const met: Record<string, ExpectedResult | 401> = {}
    for (const caller of Object.keys(wanted)) {
      const { url, callers } = await about(await ownerFor(operation), operation)
      const { token } = await signIn(caller === 'admin' ? { role: 'admin' } : {})
      met[caller] = await receptionOf(operation, url, callers[caller] ?? token)
    }
    expect(met).toEqual(wanted)
  })

  it(`takes the API keys for ${scope ?? 'nothing'} alone`, async () => {
    const attempt = async (scopes: Scope[]) => {
      const owner = await ownerFor(operation)
      const { url, replacement } = await about(owner, operation)
      return receptionOf(operation, url, (await createApiKey(owner.user, scopes)).key, replacement)
    }
    const others = SCOPES.filter((one) => one !== scope)
    expect(await attempt(others)).toBe(scope === 'any' ? 'pass' : 403)
    expect(await attempt(scope === undefined || scope === 'any' ? [...SCOPES] : [scope])).toBe(
      scope === undefined ? 403 : 'pass',
    )
  })

  it('gives a key with the scope no more than its owner has', async () => {
    const otherUser = expected(operation)['otherUser']
    const { url } = await about(await ownerFor(operation), operation)
    const { key } = await createApiKey((await signIn()).user, [...SCOPES])
    expect(await receptionOf(operation, url, key)).toBe(scope === undefined ? 403 : otherUser)
  })
})

describe.each(byName(operations.filter(({ access }) => access === 'public')))('%s', (_name, operation) => {
  it('answers a caller with useless credentials as one without', async () => {
    const url = fill(operation.path, {})
    const without = await api(operation.method, url)
    await Promise.all(
      Object.values(useless).map(async (token) => {
        expect((await api(operation.method, url, { token })).status).toBe(without.status)
      }),
    )
  })
})
