import type { FileLink } from '@/lib/domains/files/schema'
import { config, setConfig } from '@/lib/config'
import { api } from '../../support/api'
import { signIn } from '../../support/factories'
import { uniquePath, fileUrl, storeFile } from '../../support/files'

async function linked(expiresIn = 60) {
  const { token, user } = await signIn()
  const { path } = await storeFile(token)
  const response = await api<FileLink>('POST', '/api/files/links', { token, json: { path, expiresIn } })
  expect(response.status).toBe(201)
  return { token, user, path, url: response.json.url, expiresAt: new Date(response.json.expiresAt) }
}

const statusOf = async (url: string) => (await api('GET', url)).status

afterEach(() => {
  jest.useRealTimers()
})

describe('POST /api/files/links', () => {
  it('grants access to a private file until the link expires', async () => {
    const createdFrom = Date.now()
    const { url, expiresAt } = await linked(60)
    // Expiry times are whole seconds.
    expect(expiresAt.getTime()).toBeGreaterThan(createdFrom + 58_000)
    expect(expiresAt.getTime()).toBeLessThan(Date.now() + 62_000)
    const read = await api('GET', url)
    expect([read.status, read.text, read.headers.get('cache-control')]).toEqual([200, 'hello', 'private, no-cache'])
    jest.useFakeTimers({ doNotFake: ['setTimeout', 'setImmediate', 'nextTick', 'setInterval', 'queueMicrotask'] })
    jest.setSystemTime(expiresAt.getTime() - 1)
    expect(await statusOf(url)).toBe(200)
    jest.setSystemTime(expiresAt)
    expect(await statusOf(url)).toBe(404)
  })

  it('returns 404 when any character of the signature is changed', async () => {
    const { url } = await linked(3_600)
    const start = url.indexOf('?') + 1
    for (let at = start; at < url.length; at += 1) {
      for (const other of ['A', 'b', '0', '1', '_', '&', '=']) {
        if (url[at] === other) continue
        const changed = url.slice(0, at) + other + url.slice(at + 1)
        if (!changed.startsWith(url.slice(0, start))) continue
        expect([changed, await statusOf(changed)]).toEqual([changed, 404])
      }
    }
    expect(await statusOf(`${url}&signature=x`)).toBe(404)
    expect(await statusOf(url.replace('expires=', 'expires=0'))).toBe(404)
    expect(await statusOf(url)).toBe(200)
  }, 120_000)

  it('grants read access to that file only', async () => {
    const { url, user, token, path } = await linked()
    const other = await storeFile(token)
    expect(await statusOf(url.replace(path, other.path))).toBe(404)
    const otherUser = await signIn()
    await storeFile(otherUser.token, { path })
    expect(await statusOf(url.replace(`/${user.id}/`, `/${otherUser.user.id}/`))).toBe(404)
    expect(await statusOf(url.replace(`/${user.id}/`, '/me/'))).toBe(401)
    expect((await api('GET', url.replace(`/${user.id}/`, '/me/'), { token: otherUser.token })).text).toBe('hello')
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) expect((await api(method, url)).status).toBe(401)
    expect((await api('DELETE', url, { token: otherUser.token })).status).toBe(400)
    expect(await statusOf(url)).toBe(200)
  })

  it('returns 404 for a changed expiry time or signature', async () => {
    const { url, expiresAt } = await linked(1)
    const later = String(expiresAt.getTime() / 1000 + 3_600)
    for (const changed of [
      url.replace(/expires=\d+/, `expires=${later}`),
      url.replace(/expires=(\d+)/, 'expires=$1.0'),
      url.replace(/expires=(\d+)/, 'expires=$1e9'),
      url.replace(/expires=\d+/, 'expires=Infinity'),
      `${url}&expires=${later}`,
      url.replace('?', `?expires=${later}&`),
      url.replace(/signature=.*/, 'signature='),
      url.replace(/&signature=.*/, ''),
    ]) {
      expect([changed, await statusOf(changed)]).toEqual([changed, 404])
    }
  })

  it('is invalidated when the file is replaced, renamed or deleted', async () => {
    const [replaced, renamed, deleted] = [await linked(), await linked(), await linked()]
    await api('PUT', fileUrl(replaced.path), { token: replaced.token, body: 'hello' })
    expect(await statusOf(replaced.url)).toBe(404)
    const path = uniquePath()
    await api('PATCH', fileUrl(renamed.path), { token: renamed.token, json: { path } })
    expect(await statusOf(renamed.url)).toBe(404)
    expect(await statusOf(renamed.url.replace(renamed.path, path))).toBe(404)
    await api('DELETE', fileUrl(deleted.path), { token: deleted.token })
    await storeFile(deleted.token, { path: deleted.path })
    expect(await statusOf(deleted.url)).toBe(404)
  })

  it('is valid while its secret is in the keyring', async () => {
    const { url } = await linked()
    const before = config()
    const [first = '', second = ''] = before.jwtSecrets
    setConfig({ ...before, jwtSecrets: [second, first] })
    const rotated = await statusOf(url)
    setConfig({ ...before, jwtSecrets: [second] })
    const dropped = await statusOf(url)
    setConfig(before)
    expect([rotated, dropped]).toEqual([200, 404])
  })

  it.each([
    {},
    { path: 'a.txt' },
    { path: '../a.txt', expiresIn: 60 },
    ...[0, 604_801, 1.5, '60'].map((expiresIn) => ({ path: 'a.txt', expiresIn })),
  ])('returns 400 for %j', async (json) => {
    const { token } = await signIn()
    expect((await api('POST', '/api/files/links', { token, json })).status).toBe(400)
  })

  it('returns 401 without credentials and 404 for a file that does not exist', async () => {
    const { path } = await linked()
    expect((await api('POST', '/api/files/links', { json: { path, expiresIn: 60 } })).status).toBe(401)
    const { token } = await signIn()
    expect((await api('POST', '/api/files/links', { token, json: { path, expiresIn: 60 } })).status).toBe(404)
  })
})
