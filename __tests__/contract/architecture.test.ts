import { dirname } from 'node:path'
import { ts } from '@ts-morph/common'
import { findCycles, type Import, importsOf, parseSource, sourceFiles } from '../support/import-graph'

const files = sourceFiles('lib', 'pages')
const imports = files.flatMap(importsOf)
const valueImports = imports.filter(({ isTypeOnly }) => !isTypeOnly)

const isProjectFile = (path: string) => /^(lib|pages|prisma|__tests__)\//.test(path)
const isLeaf = (path: string) => /^lib\/[\w-]+\.ts$/.test(path)
const isRepository = (path: string) => path.endsWith('repository.ts')
const isComposition = (path: string) => /^(lib\/(openapi|worker|server|cli|embedded-postgres)|pages)\//.test(path)
const isGeneratedClient = (path: string) => path.startsWith('prisma/generated/')

/** Lists the imports between files of the project that start in some files and that a rule does not allow. */
function violations(
  from: (path: string) => boolean,
  isAllowed: (to: string, from: string) => boolean,
  among: Import[] = valueImports,
): string[] {
  return among
    .filter((edge) => from(edge.from) && isProjectFile(edge.to) && !isAllowed(edge.to, edge.from))
    .map((edge) => `${edge.from} -> ${edge.to}`)
}

describe('the import graph', () => {
  it('sees every import', () => {
    expect(files.length).toBeGreaterThan(150)
    expect(imports).toContainEqual({ from: 'pages/api/hello.ts', to: 'lib/http/respond.ts', isTypeOnly: false })
    const missing = imports.filter(({ to }) => isProjectFile(to) && !isGeneratedClient(to) && !/\.\w+$/.test(to))
    expect(missing).toEqual([])
  })

  it('has no cycle between folders', () => {
    const between = valueImports
      .filter(({ to }) => isProjectFile(to))
      .map(({ from, to }) => ({ from: dirname(from), to: dirname(to) }))
    expect(findCycles(between)).toEqual([])
  })

  it('lets leaves import only leaves', () => {
    expect(violations(isLeaf, isLeaf)).toEqual([])
  })

  it('lets the platform import only itself and leaves', () => {
    const isPlatform = (path: string) => path.startsWith('lib/platform/')
    expect(violations(isPlatform, (to) => isPlatform(to) || isLeaf(to) || isGeneratedClient(to))).toEqual([])
  })

  it('lets lib/http import only itself, the platform, leaves and, to authenticate, the auth domain', () => {
    const isAllowed = (to: string, from: string) =>
      /^lib\/(http|platform)\//.test(to) ||
      isLeaf(to) ||
      (from === 'lib/http/require-auth.ts' && to.startsWith('lib/domains/auth/') && !isRepository(to))
    expect(violations((path) => path.startsWith('lib/http/'), isAllowed)).toEqual([])
  })

  it("lets pages import only lib/http, leaves and the domains' schemas, services and operations", () => {
    const isDocumentation = (path: string) => /^pages\/api\/(openapi\.json|postman\.json|docs\/)/.test(path)
    const isAllowed = (to: string, from: string) =>
      to.startsWith('lib/http/') ||
      isLeaf(to) ||
      /^lib\/domains\/.*\/(schema|service|openapi)\.ts$/.test(to) ||
      (isDocumentation(from) && to.startsWith('lib/openapi/')) ||
      (from === 'pages/api/jobs/run.ts' && to === 'lib/worker/run-due-jobs.ts') ||
      (from === 'pages/api/batch.ts' && to.startsWith('pages/api/'))
    expect(violations((path) => path.startsWith('pages/'), isAllowed)).toEqual([])
  })

  it('lets domains import only domains, the platform and leaves', () => {
    const isAllowed = (to: string, from: string) =>
      /^lib\/(domains|platform)\//.test(to) || isLeaf(to) || isGeneratedClient(to) || from.endsWith('/openapi.ts')
    expect(violations((path) => path.startsWith('lib/domains/'), isAllowed)).toEqual([])
  })

  it('lets a repository be imported only from its own folder', () => {
    const isAllowed = (to: string, from: string) => !isRepository(to) || dirname(to) === dirname(from)
    expect(violations((path) => !isComposition(path), isAllowed)).toEqual([])
  })

  it('lets repositories import only the database layer, pagination, identity types and their own schema', () => {
    const isAllowed = (to: string, from: string) =>
      /^lib\/platform\/(db|pagination|identity)\//.test(to) ||
      to === 'lib/platform/tokenize.ts' ||
      isLeaf(to) ||
      isGeneratedClient(to) ||
      // A part of a domain, such as products/import-export, queries the domain's own tables.
      (from.startsWith(`${dirname(to)}/`) && !isRepository(to) && !to.endsWith('/service.ts'))
    expect(violations((path) => /^lib\/domains\/.*repository\.ts$/.test(path), isAllowed)).toEqual([])
  })

  it('lets nothing import the composition: openapi, worker, server, cli and pages', () => {
    const isAllowed = (to: string) => !isComposition(to)
    const isDocumented = (path: string) => path.startsWith('pages/') || path.endsWith('/openapi.ts')
    expect(violations((path) => !isComposition(path) && !isDocumented(path), isAllowed)).toEqual([])
  })

  it('creates connections of pg only through Connection and ConnectionPool, which survive their errors', () => {
    const isExempt = (path: string) =>
      path === 'lib/platform/db/connection.ts' || path.startsWith('lib/embedded-postgres/')
    const creates = (path: string) => /\bnew (pg\.)?(Client|Pool)\(/.test(parseSource(path).text)
    expect(files.filter((path) => !isExempt(path) && creates(path))).toEqual([])
  })

  it('has no function that takes a transaction', () => {
    const takesTransaction = (node: ts.Node): boolean =>
      ts.isFunctionLike(node) &&
      node.parameters.some(
        ({ name, type }) =>
          /^(tx|transaction)$/.test(name.getText()) ||
          (type !== undefined && /^(Prisma\.TransactionClient|TransactionScope)$/.test(type.getText())),
      )
    const found: string[] = []
    for (const path of files.filter((file) => file.startsWith('lib/') && !file.startsWith('lib/platform/db/'))) {
      const visit = (node: ts.Node): void => {
        if (takesTransaction(node)) found.push(`${path}: ${node.getText().split('\n')[0]}`)
        ts.forEachChild(node, visit)
      }
      visit(parseSource(path))
    }
    expect(found).toEqual([])
  })
})
