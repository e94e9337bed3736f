import '../api/api-keys/[id].test'
import '../api/api-keys/index.test'
import '../api/audit-events.test'
import '../api/auth/change-password.test'
import '../api/auth/cookie.test'
import '../api/auth/login.test'
import '../api/auth/logout.test'
import '../api/auth/refresh.test'
import '../api/auth/register.test'
import '../api/auth/sessions/[id].test'
import '../api/auth/sessions/index.test'
import '../contract/callers.test'
import { useServer } from '../support/api'
import { startServer, type RunningServer } from '../support/server'

// Runs the same tests against the built server. They create their data in the server's database.

jest.setTimeout(180_000)

let server: RunningServer | undefined

beforeAll(async () => {
  const { DATABASE_URL: databaseUrl = '', JWT_SECRET = '', CORS_ORIGINS = '' } = process.env
  server = await startServer({ JWT_SECRET, CORS_ORIGINS, WORKER: 'off' }, { databaseUrl })
  useServer(server.url)
})

afterAll(async () => {
  useServer(undefined)
  await server?.remove()
})
