import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import type { Scenario } from './load'

const USERS = 10_000
const PRODUCTS = 100_000
const POSTS = 10_000

/** Fills the tables that the requests read. */
export async function fill(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query(
    `INSERT INTO users (email, name) SELECT 'user' || n || '@example.test', 'User ' || n FROM generate_series(1, $1::int) n`,
    [USERS],
  )
  await client.query(
    `INSERT INTO products (sku, name, description, category, price_cents, currency, stock, attributes)
     SELECT 'BENCH-' || n, 'Product ' || n, 'A thing that is good for something.', 'Category ' || n % 50, n % 10000,
       'EUR', n % 7, jsonb_build_object('color', n % 9, 'size', n % 4) FROM generate_series(1, $1::int) n`,
    [PRODUCTS],
  )
  await client.query(
    `INSERT INTO posts (title, content, visibility, author_id)
     SELECT 'Post ' || n, repeat('Words of a post. ', 20), 'public', 2 + n % $2::int FROM generate_series(1, $1::int) n`,
    [POSTS, USERS],
  )
  await client.query('VACUUM ANALYZE')
  await client.end()
}

/** Returns typical requests of every domain, with the data that they need: reads, lists, searches and writes. */
export async function surfaceOf(url: string, token: string, userId: number): Promise<Scenario[]> {
  const signedIn = { Authorization: `Bearer ${token}` }
  const json = { 'Content-Type': 'application/json' }
  const send = async (method: string, path: string, body: unknown): Promise<{ id: number; key: string }> => {
    const init = { method, headers: { ...signedIn, ...json }, body: JSON.stringify(body) }
    const response = await fetch(`${url}${path}`, init)
    if (!response.ok) throw new Error(`${method} ${path} returned ${response.status}: ${await response.text()}`)
    return JSON.parse(await response.text())
  }
  const { key } = await send('POST', '/api/api-keys', { name: 'bench', scopes: ['users:read'] })
  const family = await send('POST', '/api/families', { name: 'Bench' })
  const post = await send('POST', '/api/posts', { title: 'Bench', content: 'A post.', visibility: 'public' })
  await fetch(`${url}/api/files/me/a.txt`, { method: 'PUT', headers: signedIn, body: 'x'.repeat(10_000) })

  const read = (name: string, path: string, headers: Record<string, string> = {}): Scenario => {
    return { name, url: `${url}${path}`, headers }
  }
  const vary = (name: string, pathOf: (number: number) => string): Scenario => {
    return { name, url, vary: (number) => ({ path: pathOf(number) }) }
  }
  const create = (
    name: string,
    path: string,
    bodyOf: (number: number) => object,
    headers: Record<string, string> = signedIn,
  ): Scenario => {
    const varied = (number: number) => ({ path, body: JSON.stringify(bodyOf(number)) })
    return { name, url, method: 'POST', headers: { ...json, ...headers }, vary: varied }
  }
  const run = randomUUID()
  return [
    read('`GET /api/health`', '/api/health'),
    read('`GET /api/hello`', '/api/hello'),
    read('`GET /api/ready`', '/api/ready'),
    read('`GET /api/openapi.json`', '/api/openapi.json'),
    read('`GET /api/auth/me`', '/api/auth/me', signedIn),
    read('`GET /api/auth/sessions`', '/api/auth/sessions', signedIn),
    read('`GET /api/users/:id`', `/api/users/${userId}`, signedIn),
    read('`GET /api/users/:id`, API key', `/api/users/${userId}`, { Authorization: `Bearer ${key}` }),
    read(
      '`GET /api/users/:id?include=profile,posts,families`',
      `/api/users/${userId}?include=profile,posts,families`,
      signedIn,
    ),
    read('`GET /api/users`', '/api/users', signedIn),
    read('`GET /api/users?cursor=`', '/api/users?cursor=', signedIn),
    read('`GET /api/families/:id`', `/api/families/${family.id}`, signedIn),
    read('`GET /api/posts?cursor=`', '/api/posts?cursor='),
    read('`GET /api/posts/:id`', `/api/posts/${post.id}`),
    read('`GET /api/products/:id`, cached', '/api/products/1'),
    vary('`GET /api/products/:id`, not cached', (number) => `/api/products/${1 + ((number * 7919) % PRODUCTS)}`),
    read('`GET /api/products`, cached', '/api/products'),
    vary(
      '`GET /api/products?cursor=&minPrice=`, not cached',
      (number) => `/api/products?cursor=&minPrice=${number % 9999}`,
    ),
    vary(
      '`GET /api/products?cursor=&q=`, not cached',
      (number) => `/api/products?cursor=&q=product+${1 + (number % PRODUCTS)}`,
    ),
    read('`GET /api/files/:owner/…`, 10 kB', '/api/files/me/a.txt', signedIn),
    create('`POST /api/posts`', '/api/posts', (number) => ({ title: `Post ${number}`, content: 'Words.' })),
    create('`POST /api/products`', '/api/products', (number) => ({
      sku: `${run}-${number}`,
      name: 'A product',
      priceCents: 100,
      currency: 'EUR',
    })),
    create(
      '`POST /api/contact`',
      '/api/contact',
      () => ({
        name: 'Ada',
        email: 'ada@example.test',
        message: 'A message of some length.',
      }),
      {},
    ),
    create(
      '`POST /api/auth/login`, cost 12',
      '/api/auth/login',
      () => ({
        email: 'bench@example.test',
        password: 'correct horse',
      }),
      {},
    ),
  ]
}
