import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { dropDatabase, createDatabase } from '../support/databases'
import { runNode } from '../support/run-node'
import { startServer } from '../support/server'

jest.setTimeout(120_000)

const SEED = ['--require', 'tsx/cjs', 'prisma/seed.ts']

/** Runs work with a separate migrated database. */
async function withDatabase(work: (url: string) => Promise<void>): Promise<void> {
  const name = `seed_${randomUUID()}`
  try {
    await work(await createDatabase(name))
  } finally {
    await dropDatabase(name)
  }
}

/** Returns a hash of all seeded rows, including ids and times, and their number. */
async function contentsOf(url: string): Promise<object | undefined> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<object>(`
      SELECT (SELECT count(*)::int FROM users) AS users,
             (SELECT count(*)::int FROM products) AS products,
             (SELECT count(*)::int FROM passwords) AS passwords,
             (SELECT max(id) FROM products) AS "lastId",
             (SELECT md5(string_agg(users::text, ',' ORDER BY id)) FROM users) AS "userHash",
             (SELECT md5(string_agg((to_jsonb(products) - 'search')::text, ',' ORDER BY id)) FROM products) AS "productHash"`)
    return rows[0]
  } finally {
    await client.end()
  }
}

const seed = (url: string, ...args: string[]) => runNode([...SEED, '--bulk-only', ...args], { DATABASE_URL: url })

type Body = {
  token: string
  families: { id: number }[]
  members: object[]
  posts: { visibility: string }[]
  files: { mimeType: string }[]
}

async function json(url: string, init: RequestInit): Promise<Body> {
  const body: Body = JSON.parse(await (await fetch(url, init)).text())
  return body
}

describe('npm run seed', () => {
  it('creates the given number of rows, and changes none in a second run', async () => {
    await withDatabase(async (url) => {
      const first = await seed(url, '--users', '50', '--products', '5000')
      expect(first).toMatchObject({
        code: 0,
        output: expect.stringMatching(/products: 5000 of 5000 \(100 %\), \d+\/s/),
      })
      const contents = await contentsOf(url)
      expect(contents).toMatchObject({ users: 50, products: 5_000, passwords: 0, lastId: 5_000 })
      expect(await seed(url, '--users', '50', '--products', '5000')).toMatchObject({ code: 0 })
      expect(await contentsOf(url)).toEqual(contents)
    })
  })

  it('creates the same rows in another database, also in two steps', async () => {
    const contents: unknown[] = []
    await withDatabase(async (url) => {
      expect(await seed(url, '--users', '20', '--products', '1500')).toMatchObject({ code: 0 })
      contents.push(await contentsOf(url))
    })
    await withDatabase(async (url) => {
      expect(await seed(url, '--users', '7', '--products', '700')).toMatchObject({ code: 0 })
      expect(await seed(url, '--users', '20', '--products', '1500')).toMatchObject({ code: 0 })
      contents.push(await contentsOf(url))
    })
    expect(contents[0]).toMatchObject({ users: 20, products: 1_500 })
    expect(contents[1]).toEqual(contents[0])
  })

  it('creates example users who can log in, with a family, posts and files, once', async () => {
    await withDatabase(async (url) => {
      const server = await startServer({}, { databaseUrl: url })
      try {
        const run = () => runNode([...SEED, '--users', '0', '--products', '0'], { DATABASE_URL: url })
        const { code, output } = await run()
        const [, emails = '', password = ''] = /Sign in as (.+) with the password (.+)/.exec(output) ?? []
        expect({ code, emails }).toEqual({ code: 0, emails: 'ada@example.com, charles@example.com, grace@example.com' })
        const login = { email: 'grace@example.com', password }
        const { token } = await json(`${server.url}/api/auth/login`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify(login),
        })
        const headers = { Authorization: `Bearer ${token}` }
        const { families } = await json(`${server.url}/api/families`, { headers })
        expect((await json(`${server.url}/api/families/${families[0]?.id}`, { headers })).members).toHaveLength(3)
        const { posts } = await json(`${server.url}/api/posts`, { headers })
        expect(posts.map(({ visibility }) => visibility).sort()).toEqual([
          ...['family', 'family', 'family', 'private', 'public', 'public', 'public'],
        ])
        const { files } = await json(`${server.url}/api/files`, { headers })
        expect(files.map(({ mimeType }) => mimeType).sort()).toEqual(['image/png', 'text/plain'])
        expect(await run()).toMatchObject({ code: 0, output: expect.not.stringContaining('Sign in') })
      } finally {
        await server.remove()
      }
    })
  })

  it.each([[['--posts', '3']], [['--products', 'many']], [['--users=-1']], [['5000']]])(
    'prints its usage for %j and exits with 1',
    async (args) => {
      const { code, output } = await runNode([...SEED, ...args], { DATABASE_URL: 'postgresql://nowhere.invalid/none' })
      expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining('npm run seed -- [--users') })
    },
  )

  it('is run by `prisma db seed`, without a JWT_SECRET', async () => {
    await withDatabase(async (url) => {
      const args = [
        'node_modules/prisma/build/index.js',
        'db',
        'seed',
        '--',
        '--users',
        '3',
        '--products',
        '10',
        '--bulk-only',
      ]
      expect(await runNode(args, { DATABASE_URL: url, JWT_SECRET: '' })).toMatchObject({ code: 0 })
      expect(await contentsOf(url)).toMatchObject({ users: 3, products: 10 })
    })
  })
})
