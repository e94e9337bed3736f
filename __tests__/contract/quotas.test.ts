import { Readable } from 'node:stream'
import { config, setConfig, type Config } from '@/lib/config'
import { createFile } from '@/lib/domains/files/service'
import { fileStore } from '@/lib/domains/files/storage/store'
import { prisma } from '@/lib/platform/db/prisma'
import { api, type ApiResponse } from '../support/api'
import { signIn, uniqueEmail } from '../support/factories'
import { fileUrl, uniquePath } from '../support/files'

const original = config()
afterEach(() => setConfig(original))

const MAX = 5
const CONCURRENT = 20

function use(changes: Partial<Config>): void {
  setConfig({ ...original, ...changes })
}

const outcome = ({ status, json }: Pick<ApiResponse<{ error?: { code: string } }>, 'status' | 'json'>) =>
  status < 300 ? status : `${status} ${json.error?.code}`

async function attempt(create: () => Promise<ApiResponse<{ error?: { code: string } }>>): Promise<(string | number)[]> {
  return Promise.all(Array.from({ length: CONCURRENT }, async () => outcome(await create())))
}

const expected = [...Array<number>(MAX).fill(201), ...Array<string>(CONCURRENT - MAX).fill('413 QUOTA_EXCEEDED')]
const sorted = (outcomes: readonly (string | number)[]) => outcomes.toSorted((a, b) => (String(a) < String(b) ? -1 : 1))

describe('row quotas under concurrency', () => {
  it('bound the posts of a user', async () => {
    const [author, other] = [await signIn(), await signIn()]
    use({ postsPerUser: MAX })
    const json = { title: 'Notes', content: 'On the engine', visibility: 'public' }
    const create = (token: string) => api('POST', '/api/posts', { token, json })
    expect(sorted(await attempt(() => create(author.token)))).toEqual(expected)
    expect(await prisma().post.count({ where: { authorId: author.user.id } })).toBe(MAX)
    expect((await create(other.token)).status).toBe(201)
  })

  it('bound the families that a user owns', async () => {
    const { token } = await signIn()
    use({ familiesPerUser: MAX })
    expect(sorted(await attempt(() => api('POST', '/api/families', { token, json: { name: 'F' } })))).toEqual(expected)
  })

  it('bound the pending invitations of a family, and allow replacing one', async () => {
    const { token } = await signIn()
    const { json: family } = await api('POST', '/api/families', { token, json: { name: 'F' } })
    use({ invitationsPerFamily: MAX })
    const email = uniqueEmail()
    const inviteAddress = (address: string) =>
      api('POST', `/api/families/${family.id}/invitations`, { token, json: { email: address } })
    expect((await inviteAddress(email)).status).toBe(201)
    const [, ...others] = expected
    expect(sorted((await attempt(() => inviteAddress(uniqueEmail()))).slice(0, -1))).toEqual(
      expect.arrayContaining(others.slice(0, -1)),
    )
    expect(await prisma().invitation.count({ where: { familyId: family.id } })).toBe(MAX)
    expect((await inviteAddress(email)).status).toBe(201)
  })

  it('bound the files of a user, and allow replacing one', async () => {
    const { token, user } = await signIn()
    use({ filesPerUser: MAX })
    const put = (path: string) => api('PUT', fileUrl(path), { token, body: '' })
    const path = uniquePath()
    expect((await put(path)).status).toBe(201)
    expect(new Set(await attempt(() => put(uniquePath())))).toEqual(new Set([201, '413 QUOTA_EXCEEDED']))
    expect(await prisma().storedFile.count({ where: { ownerId: user.id } })).toBeLessThanOrEqual(MAX)
    expect((await put(path)).status).toBe(200)
  })
})

describe('storage quotas', () => {
  const totalBytes = async () =>
    Number((await prisma().fileTotal.aggregate({ _sum: { sizeBytes: true } }))._sum.sizeBytes)
  const put = (token: string, size: number) => api('PUT', fileUrl(uniquePath()), { token, body: Buffer.alloc(size) })

  it('bound the files of all owners together, uploads in progress included', async () => {
    const callers = [await signIn(), await signIn(), await signIn(), await signIn()]
    const before = await totalBytes()
    use({ filesTotalBytes: before + 100_000 })
    const known = Array.from({ length: 12 }, async (_, index) =>
      outcome(await put(callers[index % callers.length]?.token ?? '', 30_000)),
    )
    const unknown = Array.from({ length: 12 }, (_, index) => {
      const ownerId = callers[index % callers.length]?.user.id ?? 0
      const body = Readable.from([Buffer.alloc(15_000), Buffer.alloc(15_000)])
      return createFile({ ownerId, path: uniquePath(), mimeType: 'text/plain', body }).then(
        () => 201,
        (error: { code: string }) => `413 ${error.code}`,
      )
    })
    expect(new Set(await Promise.all([...known, ...unknown]))).toEqual(new Set([201, '413 QUOTA_EXCEEDED']))
    const after = await totalBytes()
    expect(after).toBeGreaterThan(before)
    expect(after).toBeLessThanOrEqual(before + 100_000)
    const usage = await prisma().fileUsage.aggregate({ _sum: { sizeBytes: true } })
    expect(after).toBe(Number(usage._sum.sizeBytes))
    expect(await prisma().orphanedObject.count({ where: { markedForDeletion: false } })).toBe(0)
  })

  it('are returned when files and accounts are deleted', async () => {
    const { token, user } = await signIn()
    const before = await totalBytes()
    expect((await put(token, 1_000)).status).toBe(201)
    expect(await totalBytes()).toBe(before + 1_000)
    await prisma().user.delete({ where: { id: user.id } })
    expect(await totalBytes()).toBe(before)
  })

  it('return 503 with Retry-After when the disk would be almost full', async () => {
    const { token } = await signIn()
    const store = await fileStore()
    const freeBytes = (await store.freeBytes()) ?? 0
    expect(freeBytes).toBeGreaterThan(0)
    fileStore.replace(Promise.resolve({ ...store, freeBytes: async () => original.filesMinFreeBytes + 1_000 }))
    try {
      const refused = await put(token, 1_001)
      expect(outcome(refused)).toBe('503 SERVICE_UNAVAILABLE')
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect((await put(token, 1_000)).status).toBe(201)
      expect((await put(token, 0)).status).toBe(201)
    } finally {
      fileStore.replace(Promise.resolve(store))
    }
  })
})
