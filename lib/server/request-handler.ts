import next from 'next'
import { type Dispatch, notFoundHandler } from './http-server'
import { loadRouteTable } from './router'

/** Requests to the routes of a finished build. */
export async function dispatchToBuild(projectDir: string): Promise<Dispatch> {
  const findRoute = await loadRouteTable(projectDir)
  return (req, res, pathname) => {
    const match = findRoute(pathname)
    if (match === undefined) return notFoundHandler(req, res)
    req.route = match.page
    // A path parameter wins over one of the query that has its name.
    Object.assign(req.query, match.parameters)
    return match.handler(req, res)
  }
}

/** Requests to Next's development server, which compiles routes as they are asked for. */
export async function dispatchToDevelopmentServer(projectDir: string): Promise<Dispatch> {
  const app = next({ dev: true, dir: projectDir, quiet: true })
  await app.prepare()
  const handle = app.getRequestHandler()
  return (req, res, pathname) =>
    pathname === '/api' || pathname.startsWith('/api/') ? handle(req, res) : notFoundHandler(req, res)
}
