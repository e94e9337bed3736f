import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { parse } from 'node:querystring'
import { apiResolver } from 'next/dist/server/api-utils/node/api-resolver'
import { config, setConfig } from '@/lib/config'
import { prisma } from '@/lib/platform/db/prisma'
import * as streamRoute from '@/pages/api/events/stream'
import { api } from '../../support/api'
import { openStream, received, type OpenStream } from '../../support/event-stream'
import { feedEnd, readFeed, summary } from '../../support/events'
import { createApiKey, signIn } from '../../support/factories'
import { createFamilyFixture, createPost } from '../../support/families'
import { waitFor } from '../../support/wait'

const PREVIEW = { previewModeId: '', previewModeEncryptionKey: '', previewModeSigningKey: '', dev: false }

let server: Server
let url: string
const open: OpenStream[] = []

beforeAll(async () => {
  server = createServer((req, res) => {
    void apiResolver(req, res, parse(req.url?.split('?')[1] ?? ''), streamRoute, PREVIEW, true)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/api/events/stream`
})
afterEach(async () => {
  for (const stream of open.splice(0)) stream.close()
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

async function stream(token: string, query = '', headers: Record<string, string> = {}): Promise<OpenStream> {
  const opened = await openStream(`${url}?${query}`, { Authorization: `Bearer ${token}`, ...headers })
  open.push(opened)
  return opened
}

const post = (token: string, json: object) =>
  api('POST', '/api/posts', { token, json: { title: 'A', content: 'B', ...json } })

describe('GET /api/events/stream', () => {
  it('sends the events from now on that the caller may see, exactly as the feed has them', async () => {
    const { owner, member, otherUser, family } = await createFamilyFixture()
    await createPost(owner)
    const after = await feedEnd()
    const [ofMember, ofOther] = [await stream(member.token), await stream(otherUser.token)]
    expect(ofMember.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'private, no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    const { json: shared } = await post(owner.token, { visibility: 'family', familyId: family.id })
    await api('PATCH', `/api/posts/${shared.id}`, { token: owner.token, json: { visibility: 'public' } })
    await api('DELETE', `/api/posts/${shared.id}`, { token: owner.token })
    expect(await received(ofMember, 3)).toEqual(await readFeed(member.token, after))
    expect(summary(await received(ofOther, 2))).toEqual([`post.updated ${shared.id}`, `post.deleted ${shared.id} null`])
    const blocks = ofMember.text().split('\n\n')
    expect(blocks[0]).toMatch(/^:\nid: evt_[0-9a-f]{16}$/)
    expect(blocks[1]).toBe(
      `id: ${ofMember.events[0]?.id}\nevent: post.created\ndata: ${JSON.stringify(ofMember.events[0])}`,
    )
  })

  it('resumes after an id without a gap or a repetition while events go on, also from Last-Event-ID', async () => {
    const { token } = await signIn()
    const after = await feedEnd()
    const stop = new AbortController()
    const writing = (async () => {
      const ids: number[] = []
      while (!stop.signal.aborted || ids.length < 150) ids.push((await post(token, { visibility: 'private' })).json.id)
      return ids
    })()
    await waitFor('events', async () => (await readFeed(token, after)).length > 20)
    const fromStart = await stream(token, `after=${after}`)
    const [, , third] = await received(fromStart, 5)
    const resumed = await stream(token, `after=${after}`, { 'Last-Event-ID': third?.id ?? '' })
    stop.abort()
    const ids = await writing
    const idsOf = ({ events }: OpenStream) => events.map(({ subject }) => subject.id)
    await received(fromStart, ids.length)
    await received(resumed, ids.length - 3)
    expect([idsOf(fromStart), idsOf(resumed)]).toEqual([ids, ids.slice(3)])
  })

  it('filters by type', async () => {
    const { user, token } = await signIn()
    const filtered = await stream(token, 'types=profile.*')
    await post(token, {})
    await api('PUT', `/api/users/${user.id}/profile`, { token, json: {} })
    expect((await received(filtered, 1)).map(({ type }) => type)).toEqual(['profile.updated'])
  })

  it('closes when the session or key is revoked, and stops sending what only admins see to a former admin', async () => {
    const [user, admin] = [await signIn(), await signIn({ role: 'admin' })]
    const { id, key } = await createApiKey(user.user, ['events:read'])
    const [ofSession, ofKey, ofAdmin] = [await stream(user.token), await stream(key), await stream(admin.token)]
    await prisma().session.delete({ where: { id: user.sessionId } })
    await waitFor('the end of the stream of the session', () => ofSession.isClosed())
    expect(ofKey.isClosed()).toBe(false)
    await prisma().apiKey.delete({ where: { id } })
    await prisma().user.update({ where: { id: admin.user.id }, data: { role: 'user' } })
    await waitFor('the end of the stream of the key', () => ofKey.isClosed())
    const author = await signIn()
    await post(author.token, { visibility: 'private' })
    const { json } = await post(author.token, { visibility: 'public' })
    expect(summary(await received(ofAdmin, 1))).toEqual([`post.created ${json.id}`])
  })

  it('returns 429 beyond the limit of a user and 503 beyond that of the process', async () => {
    const [user, other] = [await signIn(), await signIn()]
    const before = config()
    try {
      setConfig({ ...before, eventStreamsPerUser: 1 })
      await stream(user.token)
      const limited = await stream(user.token)
      expect([limited.response.statusCode, limited.response.headers['retry-after']]).toEqual([429, '5'])
      setConfig({ ...before, eventStreamsMax: 1 })
      expect((await stream(other.token)).response.statusCode).toBe(503)
    } finally {
      setConfig(before)
    }
  })

  it('returns 400, 401, 403 and 410 before the stream begins', async () => {
    const { user, token } = await signIn()
    const { key } = await createApiKey(user, ['posts:read'])
    const statusOf = async (auth: string | undefined, query = '', headers = {}) =>
      (await api('GET', `/api/events/stream?${query}`, { token: auth, headers })).status
    expect([
      ...[await statusOf(token, 'after=x'), await statusOf(token, 'types=x.created'), await statusOf(token, 'page=1')],
      ...[await statusOf(token, '', { 'Last-Event-ID': 'x' }), await statusOf(undefined), await statusOf(key)],
    ]).toEqual([400, 400, 400, 400, 401, 403])
    await prisma().$executeRaw`UPDATE event_feed SET deleted_position = least(1, last_position)`
    expect(await statusOf(token, 'after=evt_0000000000000000')).toBe(410)
  })

  it('responds to HEAD without a body', async () => {
    const { token } = await signIn()
    expect((await api('HEAD', '/api/events/stream', { token })).status).toBe(200)
  })
})
