import { prisma } from '@/lib/platform/db/prisma'
import { api } from '../support/api'
import { signIn } from '../support/factories'
import { png } from '../support/images'

/** Deletes an account behind the credential cache, as another instance does. */
async function deletedCaller(): Promise<string> {
  const { user, token } = await signIn()
  expect((await api('GET', '/api/auth/me', { token })).status).toBe(200)
  await prisma().user.delete({ where: { id: user.id } })
  return token
}

describe('a caller whose account was deleted a moment ago', () => {
  it.each([
    ['POST', '/api/posts', { json: { title: 'Title', content: 'Content' } }],
    ['POST', '/api/families', { json: { name: 'Name' } }],
    ['POST', '/api/events/ticket', { json: {} }],
    ['POST', '/api/batch', { json: { operations: [{ id: 'a', method: 'POST', path: '/api/events/ticket' }] } }],
    ['POST', '/api/files/me/a.txt', { body: 'text', headers: { 'Content-Type': 'text/plain' } }],
    ['PUT', '/api/files/me/a.txt', { body: 'text', headers: { 'Content-Type': 'text/plain' } }],
  ])('gets UNAUTHORIZED for %s %s', async (method, url, call) => {
    const response = await api(method, url, { ...call, token: await deletedCaller() })
    expect([response.status, response.json.error.code]).toEqual([401, 'UNAUTHORIZED'])
  })

  it('gets UNAUTHORIZED for an upload', async () => {
    const body = new FormData()
    body.set('file', new Blob([new Uint8Array(png())], { type: 'image/png' }), 'a.png')
    const response = await api('POST', '/api/upload', { body, token: await deletedCaller() })
    expect([response.status, response.json.error.code]).toEqual([401, 'UNAUTHORIZED'])
  })
})
