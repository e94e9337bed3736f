import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { uniqueEmail, PASSWORD } from '../support/factories'
import { runNode } from '../support/run-node'
import { type RunningServer, startServer } from '../support/server'

const modules = join(process.cwd(), 'node_modules')

let server: RunningServer
let folder: string

/** Creates a client project with types generated from the served document and a program that uses them. */
beforeAll(async () => {
  server = await startServer()
  folder = await mkdtemp(join(tmpdir(), 'hearth-client-'))
  await cp(join('__tests__', 'e2e', 'client'), folder, { recursive: true })
  await symlink(modules, join(folder, 'node_modules'))
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  await writeFile(join(folder, 'openapi.json'), await (await fetch(`${server.url}/api/openapi.json`)).text())
  const made = await runNode([
    ...['--import', join(process.cwd(), '__tests__', 'support', 'typescript-api.mjs')],
    join(modules, 'openapi-typescript', 'bin', 'cli.js'),
    ...[join(folder, 'openapi.json'), '--output', join(folder, 'schema.ts')],
  ])
  expect(made).toMatchObject({ code: 0 })
}, 120_000)

afterAll(async () => {
  await server.remove()
  await rm(folder, { recursive: true, force: true })
})

/** Compiles the client project in strict mode. */
async function compile(): Promise<{ code: number | null; output: string }> {
  return runNode([join(modules, 'typescript', 'bin', 'tsc'), '--project', folder])
}

describe('a client generated from the document', () => {
  it('compiles in strict mode and runs from registration to logout', async () => {
    expect(await compile()).toEqual({ code: 0, output: '' })
    const email = uniqueEmail()
    const { code, output } = await runNode([join(folder, 'compiled', 'main.js'), server.url, email, PASSWORD])
    expect([code, output]).toEqual([0, expect.stringMatching(/^\{/)])
    expect(JSON.parse(output)).toMatchObject({
      family: 'The Lovelaces',
      members: [email],
      found: [{ title: 'Notes', visibility: 'family', author: { name: 'Ada' } }],
      file: { path: 'notes.txt', size: 27 },
      text: 'The engine weaves patterns.',
      upload: { fileName: expect.stringMatching(/\.gif$/), size: 29, type: 'image/gif' },
      statusAfterSigningOut: 401,
      codeAfterSigningOut: 'UNAUTHORIZED',
    })
  })

  it('does not compile if it sends invalid input', async () => {
    const story = join(folder, 'story.ts')
    const text = await readFile(story, 'utf8')
    await writeFile(story, text.replace("visibility: 'family'", "visibility: 'friends'"))
    const { code, output } = await compile()
    await writeFile(story, text)
    expect(code).not.toBe(0)
    expect(output).toContain('"friends"')
  })
})
