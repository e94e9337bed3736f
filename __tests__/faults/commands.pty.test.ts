import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitFor as waitForCondition } from '../support/wait'

// Runs the commands as users do: in a terminal, in a copy of the project, with Ctrl-C.
jest.setTimeout(600_000)

const FILES = ['lib', 'pages', 'prisma', 'package.json', 'package-lock.json', 'tsconfig.json', 'next.config.js']

type Terminal = { process: ChildProcess; output: () => string; exited: Promise<number | null>; ctrlC: () => void }

let project: string
let terminal: Terminal | undefined

function openTerminal(command: string): Terminal {
  const { PATH, HOME } = process.env
  const child = spawn('script', ['-qefc', `exec ${command}`, '/dev/null'], {
    cwd: project,
    env: { PATH, HOME, NODE_ENV: 'test', PORT: '0', DATA_DIR: join(project, '.data'), LOG_LEVEL: 'warn' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { process: child, output: () => output, exited, ctrlC: () => child.stdin.write('\u0003') }
}

async function urlOf({ output }: Terminal): Promise<string> {
  let url: string | undefined
  await waitFor('the server', () => (url = /Hearth is ready at (http:\/\/[\w.:]+)/.exec(output())?.[1]) !== undefined)
  return url ?? ''
}

const waitFor = (what: string, isTrue: () => boolean | Promise<boolean>) => waitForCondition(what, isTrue, 180_000)

const leftovers = () =>
  execFileSync('ps', ['-A', '-ww', '-o', 'command='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(project))

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'hearth-terminal-'))
  for (const name of FILES) await cp(name, join(project, name), { recursive: true })
  await cp('prisma.config.ts', join(project, 'prisma.config.ts'))
  // Turbopack does not follow links that leave the project.
  execFileSync('cp', ['-al', join(process.cwd(), 'node_modules'), join(project, 'node_modules')])
})

afterEach(async () => {
  terminal?.ctrlC()
  await terminal?.exited
  terminal = undefined
})

afterAll(() => rm(project, { recursive: true, force: true, maxRetries: 10 }))

async function edit(name: string, from: string, to: string): Promise<void> {
  const path = join(project, name)
  await writeFile(path, (await readFile(path, 'utf8')).replace(from, to))
}

describe('npm run dev', () => {
  it('serves edited routes and libraries, survives syntax errors and .env edits, and ends on Ctrl-C', async () => {
    terminal = openTerminal('npm run dev')
    const url = await urlOf(terminal)
    const hello = async () => {
      const response = await fetch(`${url}/api/hello`)
      return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
    }
    expect(await hello()).toMatchObject({ status: 200, text: expect.stringContaining('Hello from Hearth') })

    await edit('pages/api/hello.ts', 'Hello from Hearth', 'Edited route')
    await waitFor('the edited route', async () => (await hello()).text.includes('Edited route'))
    await edit('lib/http/respond.ts', 'JSON.stringify(value)', 'JSON.stringify({ edited: true, ...Object(value) })')
    await waitFor('the edited library', async () => (await hello()).text.includes('"edited":true'))

    await writeFile(join(project, '.env.local'), 'LOG_LEVEL=error\n')
    await waitFor('the reload', async () => terminal?.output().includes('Reload env') === true)
    expect((await hello()).status).toBe(200)

    await edit('pages/api/hello.ts', 'export default', 'export default (')
    await waitFor('the syntax error', async () => (await hello()).status === 500)
    const failed = await hello()
    expect(failed.type).toMatch('application/json')
    expect(JSON.parse(failed.text).error.code).toBe('INTERNAL_ERROR')
    await edit('pages/api/hello.ts', 'export default (', 'export default')
    await waitFor('the recovery', async () => (await hello()).status === 200)

    const unknown = await fetch(`${url}/unknown`)
    expect(unknown.status).toBe(404)
    expect((await unknown.json()).error.code).toBe('NOT_FOUND')

    terminal.ctrlC()
    expect(await terminal.exited).toBe(0)
    await waitFor('the end of every process', async () => leftovers().length === 0)
  })
})

describe('npm start', () => {
  it('ends every process and exits with 0 on one Ctrl-C', async () => {
    terminal = openTerminal('npm start')
    await urlOf(terminal)
    terminal.ctrlC()
    expect(await terminal.exited).toBe(0)
    await waitFor('the end of every process', async () => leftovers().length === 0)
  })
})
