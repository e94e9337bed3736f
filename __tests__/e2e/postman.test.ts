import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assertConforms } from '../support/assert-matches-openapi'
import { runNode } from '../support/run-node'
import { type RunningServer, startServer } from '../support/server'

const newman = createRequire(join(process.cwd(), 'package.json')).resolve('newman/bin/newman.js')
const admin = { email: 'admin@example.test', password: 'the password of the admin' }

type Item = { name: string; item?: Item[]; request?: { method: string; url: { raw: string } } }
type Report = {
  run: {
    stats: Record<'requests' | 'assertions', { total: number; failed: number }>
    executions: {
      item: { name: string }
      request: { method: string; url: { path: string[] } }
      assertions?: { error?: { message: string } }[]
      response: { code: number; header: { key: string; value: string }[]; stream: { data: number[] } }
    }[]
  }
}

let server: RunningServer
let folder: string
let collection: { item: Item[] }

beforeAll(async () => {
  server = await startServer({ ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password })
  folder = await mkdtemp(join(tmpdir(), 'hearth-postman-'))
  const response = await fetch(`${server.url}/api/postman.json`)
  const text = await response.text()
  await writeFile(join(folder, 'collection.json'), text)
  collection = JSON.parse(text)
}, 120_000)

afterAll(async () => {
  await server.remove()
  await rm(folder, { recursive: true, force: true })
})

/** Returns all requests of the collection. */
function requests(items: Item[]): Item[] {
  return items.flatMap((item) => (item.item === undefined ? [item] : requests(item.item)))
}

async function run(report: string): Promise<{ code: number | null; output: string; report: Report }> {
  const file = join(folder, report)
  const variables = { baseUrl: server.url, adminEmail: admin.email, adminPassword: admin.password }
  const { code, output } = await runNode([
    ...[newman, 'run', join(folder, 'collection.json'), '--reporters', 'cli,json', '--reporter-json-export', file],
    ...Object.entries(variables).flatMap(([name, value]) => ['--env-var', `${name}=${value}`]),
    ...['--color', 'off', '--disable-unicode'],
  ])
  return { code, output, report: JSON.parse(await readFile(file, 'utf8')) }
}

describe('the Postman collection', () => {
  it('runs twice from an empty database, and every request asserts its status', async () => {
    const total = requests(collection.item).length
    expect(total).toBeGreaterThan(15)
    for (const name of ['first.json', 'second.json']) {
      const { code, report } = await run(name)
      const failed = report.run.executions.flatMap(({ item, assertions = [], response }) =>
        assertions.flatMap(({ error }) => (error ? [`${item.name}: ${error.message} (${response.code})`] : [])),
      )
      expect(failed).toEqual([])
      expect(report.run.executions.filter(({ assertions = [] }) => assertions.length === 0)).toEqual([])
      for (const { request, response } of report.run.executions) {
        const headers = new Headers(response.header.map(({ key, value }) => [key, value]))
        const text = Buffer.from(response.stream.data).toString()
        const url = `/${request.url.path.join('/')}`
        assertConforms({ method: request.method, url }, { status: response.code, headers, text })
      }
      expect(report.run.stats.requests).toMatchObject({ total, failed: 0 })
      expect(report.run.stats.assertions).toMatchObject({ total, failed: 0 })
      expect(code).toBe(0)
    }
  }, 120_000)

  it('calls every operation of the document', async () => {
    const document: { paths: Record<string, object> } = await (await fetch(`${server.url}/api/openapi.json`)).json()
    const called = requests(collection.item).map(({ request }) => ({
      method: request?.method.toLowerCase(),
      path: request?.url.raw.replace('{{baseUrl}}', '').split('?')[0] ?? '',
    }))
    const missed = Object.entries(document.paths).flatMap(([path, item]) => {
      const pattern = new RegExp(`^${path.replace(/\{path\}$/, '.+').replace(/\{\w+\}/g, '[^/]+')}$`)
      return Object.keys(item)
        .filter((method) => !called.some((one) => one.method === method && pattern.test(one.path)))
        .map((method) => `${method} ${path}`)
    })
    expect(missed).toEqual([])
  })

  it('is the same when npm run postman writes it to disk', async () => {
    const file = join(folder, 'written.json')
    const { code } = await runNode(['--require', 'tsx/cjs', join('lib', 'cli', 'write-postman.ts'), file])
    expect(code).toBe(0)
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(collection)
  })
})
