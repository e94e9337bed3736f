import { randomUUID } from 'node:crypto'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { updateInitialEnv } from '@next/env'
import next from 'next'
import { environment } from '@/lib/config'
import { AppError } from '@/lib/errors'
import { sendError } from '@/lib/http/send-error'

/** Replaces the HTML page that Next responds with if a route does not compile by the error envelope. */
function replaceErrorPage(res: ServerResponse): void {
  const [write, end] = [res.write.bind(res), res.end.bind(res)]
  const isErrorPage = () => res.statusCode >= 500 && String(res.getHeader('Content-Type')).startsWith('text/html')
  res.write = (...args: unknown[]) => isErrorPage() || Boolean(Reflect.apply(write, undefined, args))
  res.end = (...args: unknown[]) => {
    if (res.headersSent || !isErrorPage()) return Reflect.apply(end, undefined, args)
    const message = 'The route does not compile or load; the terminal of `npm run dev` shows why.'
    for (const name of res.getHeaderNames()) res.removeHeader(name)
    const requestId = randomUUID()
    res.setHeader('X-Request-Id', requestId)
    sendError(res, new AppError('INTERNAL_ERROR', { message }), requestId)
    return res
  }
}

/**
 * Creates the HTTP server of `npm run dev`: Next's development server, which compiles each route, and what it imports,
 * when it is requested. Does not call `listen`.
 */
export async function createDevelopmentServer(projectDir: string): Promise<Server> {
  const before = { ...environment() }
  const app = next({ dev: true, dir: projectDir, quiet: true })
  await app.prepare()
  // When a .env file changes, Next resets the environment to what it was when it was first loaded, without the variables
  // that mark a development server: requests would fail from then on.
  const added = Object.entries(environment()).filter(([name, value]) => before[name] !== value)
  updateInitialEnv(Object.fromEntries(added))
  const handle = app.getRequestHandler()
  return createServer((req, res) => {
    replaceErrorPage(res)
    void handle(req, res)
  })
}
