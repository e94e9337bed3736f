import { createServer } from 'node:http'
import { Pool } from 'pg'

/**
 * The same reads with only `node:http`, `pg` and prepared statements, as a baseline. Runs in a separate process like the other
 * servers, and prints its URL.
 */
const pool = new Pool({ connectionString: process.env['DATABASE_URL'], max: 10 })
const columns =
  'id, email, name, role, email_verified AS "emailVerified", created_at AS "createdAt", updated_at AS "updatedAt"'

const server = createServer((req, res) => {
  const respond = (value: unknown) => {
    res.setHeader('Content-Type', 'application/json; charset=utf-8')
    res.end(JSON.stringify(value))
  }
  const id = /^\/users\/(\d+)$/.exec(req.url ?? '')?.[1]
  if (id !== undefined) {
    void pool
      .query({ name: 'user', text: `SELECT ${columns} FROM users WHERE id = $1`, values: [Number(id)] })
      .then(({ rows }) => respond(rows[0]))
  } else if (req.url === '/users') {
    void Promise.all([
      pool.query({ name: 'users', text: `SELECT ${columns} FROM users ORDER BY id LIMIT 20` }),
      pool.query({ name: 'count', text: 'SELECT count(*)::int AS total FROM users' }),
    ]).then(([{ rows }, { rows: counted }]) => respond({ users: rows, total: counted[0] }))
  } else {
    respond({ status: 'ok' })
  }
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}\n`)
})
