import type { File } from '@/lib/domains/files/schema'
import { api, type ApiResponse } from '../../support/api'
import { createApiKey, signIn } from '../../support/factories'
import { publish, storeFile } from '../../support/files'

type Files = { files: File[]; pagination: { total: number; nextCursor: string | null } }

async function pathsOf(token: string, query: string): Promise<string[]> {
  const response = await api<Files>('GET', `/api/files?${query}`, { token })
  expect(response.status).toBe(200)
  return response.json.files.map((file) => file.path)
}

describe('GET /api/files', () => {
  it('lists only the files of the caller, by path', async () => {
    const { token, user } = await signIn()
    const other = await signIn()
    for (const path of ['b.txt', 'a/z.txt', 'B.txt', 'a/%_.txt']) await storeFile(token, { path })
    await publish(other.token, (await storeFile(other.token)).path)
    expect(await pathsOf(token, '')).toEqual(['B.txt', 'a/%_.txt', 'a/z.txt', 'b.txt'])
    const { json } = await api<Files>('GET', '/api/files?limit=1', { token })
    expect(json.files[0]).toMatchObject({ ownerId: user.id, size: 5 })
    expect(Object.keys(json.files[0] ?? {}).sort()).toEqual(
      ['createdAt', 'id', 'mimeType', 'ownerId', 'path', 'sha256', 'size', 'updatedAt', 'visibility'].sort(),
    )
  })

  it('filters by path prefix', async () => {
    const { token } = await signIn()
    for (const path of ['a/1.txt', 'a/2.txt', 'ab.txt', 'a_.txt', 'é/3.txt']) await storeFile(token, { path })
    expect(await pathsOf(token, 'prefix=a/')).toEqual(['a/1.txt', 'a/2.txt'])
    expect(await pathsOf(token, 'prefix=a_')).toEqual(['a_.txt'])
    expect(await pathsOf(token, 'prefix=%25')).toEqual([])
    expect(await pathsOf(token, `prefix=${encodeURIComponent('e\u0301/')}`)).toEqual(['é/3.txt'])
  })

  it('lists by cursor in every order', async () => {
    const { token } = await signIn()
    const made: string[] = []
    for (const path of ['c', 'a', 'b']) made.push((await storeFile(token, { path })).path)
    for (const [sort, wanted] of [
      ['path', ['a', 'b', 'c']],
      ['-createdAt', made.toReversed()],
      ['updatedAt,-path', made],
    ] as const) {
      const seen: string[] = []
      for (let cursor: string | null = ''; cursor !== null;) {
        const query: string = `limit=1&sort=${sort}&cursor=${encodeURIComponent(cursor)}`
        const { json }: ApiResponse<Files> = await api<Files>('GET', `/api/files?${query}`, { token })
        seen.push(...json.files.map((file) => file.path))
        cursor = json.pagination.nextCursor
      }
      expect(seen).toEqual(wanted)
    }
  })

  it('returns 304 until a file changes', async () => {
    const { token } = await signIn()
    const { path } = await storeFile(token)
    const etag = (await api('GET', '/api/files', { token })).headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[^"]+"$/)
    const headers = { 'If-None-Match': etag }
    const known = await api('GET', '/api/files', { token, headers })
    expect([known.status, known.text, known.headers.get('etag')]).toEqual([304, '', etag])
    await publish(token, path)
    expect((await api('GET', '/api/files', { token, headers })).status).toBe(200)
  })

  it.each(['page=0', 'prefix=', 'sort=size', 'ownerId=1', 'page=1&cursor=', 'prefix=a%00'])(
    'returns 400 for ?%s',
    async (query) => {
      const { token } = await signIn()
      expect((await api('GET', `/api/files?${query}`, { token })).status).toBe(400)
    },
  )

  it('returns 401 without credentials and 403 for an API key without the scope', async () => {
    expect((await api('GET', '/api/files')).status).toBe(401)
    const { user } = await signIn()
    const { key } = await createApiKey(user, ['files:write'])
    expect((await api('GET', '/api/files', { token: key })).status).toBe(403)
  })
})
