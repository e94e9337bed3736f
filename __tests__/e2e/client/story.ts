import createClient from 'openapi-fetch'
import type { components, paths } from './schema.js'

type Post = components['schemas']['Post']

/** The results of the program. */
export type Ending = {
  family: string
  members: string[]
  found: Post[]
  file: { path: string; size: number }
  text: string
  upload: { fileName: string; size: number; type: string }
  statusAfterSigningOut: number
  codeAfterSigningOut: string | undefined
}

/** A GIF of one pixel. */
const DOT = 'GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;'

/** Returns the data of a response. Throws if it is missing. */
function must<T>({ data, error }: { data?: T; error?: { error: { code: string } } }): T {
  if (data === undefined) throw new Error(`refused with ${error?.error.code}`)
  return data
}

/** Registers, creates a family, posts to it, searches, stores a file, uploads an image and logs out. */
export async function story(baseUrl: string, account: { email: string; password: string }): Promise<Ending> {
  const client = createClient<paths>({ baseUrl })
  const { token, user } = must(await client.POST('/api/auth/register', { body: { ...account, name: 'Ada' } }))
  client.use({
    onRequest: ({ request }) => {
      request.headers.set('Authorization', `Bearer ${token}`)
    },
  })

  const family = must(await client.POST('/api/families', { body: { name: 'The Lovelaces' } }))
  const withMembers = must(await client.GET('/api/families/{id}', { params: { path: { id: family.id } } }))

  const post = must(
    await client.POST('/api/posts', {
      body: { title: 'Notes', content: 'The engine weaves patterns.', visibility: 'family', familyId: family.id },
      params: { header: { 'Idempotency-Key': `post-of-${user.id}` } },
    }),
  )
  const { posts } = must(
    await client.GET('/api/posts', { params: { query: { q: 'weaves', familyId: family.id, limit: 10 } } }),
  )
  if (!posts.some(({ id }) => id === post.id)) throw new Error('The post was not found.')

  const place = { params: { path: { owner: 'me', path: 'notes.txt' } } } as const
  const file = must(
    await client.PUT('/api/files/{owner}/{path}', {
      ...place,
      body: 'The engine weaves patterns.',
      bodySerializer: (text) => text,
      headers: { 'Content-Type': 'text/plain' },
    }),
  )
  const text = must(await client.GET('/api/files/{owner}/{path}', { ...place, parseAs: 'text' }))

  const form = new FormData()
  form.set('file', new Blob([DOT], { type: 'image/gif' }), 'dot.gif')
  const upload = must(await client.POST('/api/upload', { body: { file: 'dot.gif' }, bodySerializer: () => form }))

  await client.POST('/api/auth/logout')
  const { response, error } = await client.GET('/api/auth/me')
  return {
    family: withMembers.name,
    members: withMembers.members.map((member) => member.user.email),
    found: posts,
    file: { path: file.path, size: file.size },
    text,
    upload: { fileName: upload.fileName, size: upload.size, type: upload.type },
    statusAfterSigningOut: response.status,
    codeAfterSigningOut: error?.error.code,
  }
}
