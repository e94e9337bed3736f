import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import Joi from 'joi'
import type { NextApiHandler } from 'next'
import { unknownRouteHandler } from '@/lib/http/unknown-route'
import type { Dispatch } from './http-server'

/** The route of a path: its pattern, its handler and its decoded path parameters. */
type Match = { page: string; handler: NextApiHandler; parameters: Record<string, string | string[]> }

type DynamicRoute = {
  page: string
  pattern: RegExp
  keys: { group: string; name: string; many: boolean }[]
  handler: NextApiHandler
}

const pagesManifest = Joi.object<Record<string, string>>().pattern(Joi.string(), Joi.string()).required()
const routesManifest = Joi.object<{
  dynamicRoutes: { page: string; namedRegex: string; routeKeys: Record<string, string> }[]
}>({
  dynamicRoutes: Joi.array()
    .items(
      Joi.object({
        page: Joi.string().required(),
        namedRegex: Joi.string().required(),
        routeKeys: Joi.object().pattern(Joi.string(), Joi.string()).required(),
      }).unknown(),
    )
    .required(),
})
  .unknown()
  .required()

/** A compiled route. Next exports the default export of our file under the same name. */
const routeModule = Joi.object<{ default: NextApiHandler }>({ default: Joi.function().required() }).unknown().required()

async function readJson<T>(file: string, schema: Joi.ObjectSchema<T>): Promise<T> {
  return Joi.attempt(JSON.parse(await readFile(file, 'utf8')), schema)
}

function matchDynamic(route: DynamicRoute, pathname: string): Match | undefined {
  const groups = route.pattern.exec(pathname)?.groups
  if (groups === undefined) return undefined
  const parameters = route.keys.map(({ group, name, many }) => {
    const raw = groups[group] ?? ''
    return [name, many ? raw.split('/').map(decodeURIComponent) : decodeURIComponent(raw)]
  })
  return { page: route.page, handler: route.handler, parameters: Object.fromEntries(parameters) }
}

/**
 * Loads the compiled routes of a build and returns a function that finds the route of a path. Next's manifests list each
 * route's module and, most specific first, the patterns of dynamic routes. Paths match exactly: a trailing slash is
 * another path.
 */
async function loadRoutes(projectDir: string): Promise<(pathname: string) => Match | undefined> {
  const distDir = resolve(projectDir, '.next')
  const load = createRequire(join(distDir, 'package.json'))
  const pages = await readJson(join(distDir, 'server', 'pages-manifest.json'), pagesManifest)
  const { dynamicRoutes } = await readJson(join(distDir, 'routes-manifest.json'), routesManifest)
  const handlers = new Map<string, NextApiHandler>()
  for (const [page, file] of Object.entries(pages)) {
    if (page !== '/api' && !page.startsWith('/api/')) continue
    // A module that imports ECMAScript modules is a promise of its exports, which are getters: the spread reads them.
    const loaded: unknown = await load(join(distDir, 'server', file))
    const { default: handler } = Joi.attempt({ ...Object(loaded) }, routeModule)
    handlers.set(page, handler)
  }
  const dynamic: DynamicRoute[] = dynamicRoutes.flatMap(({ page, namedRegex, routeKeys }) => {
    const handler = handlers.get(page)
    if (handler === undefined) return []
    handlers.delete(page)
    const keys = Object.entries(routeKeys).map(([group, prefixed]) => {
      const name = prefixed.replace(/^nxtP/, '')
      return { group, name, many: page.includes(`[...${name}]`) }
    })
    return [{ page, pattern: new RegExp(namedRegex), keys, handler }]
  })
  return (pathname) => {
    const handler = handlers.get(pathname)
    if (handler !== undefined) return { page: pathname, handler, parameters: {} }
    if (pathname.endsWith('/')) return undefined
    for (const route of dynamic) {
      const match = matchDynamic(route, pathname)
      if (match !== undefined) return match
    }
    return undefined
  }
}

/** Loads the router of the production build. */
export async function loadRouter(projectDir: string): Promise<Dispatch> {
  const findRoute = await loadRoutes(projectDir)
  return (req, res, pathname) => {
    const match = findRoute(pathname)
    if (match === undefined) return unknownRouteHandler(req, res)
    req.route = match.page
    // A path parameter takes precedence over a query parameter of the same name.
    Object.assign(req.query, match.parameters)
    return match.handler(req, res)
  }
}
