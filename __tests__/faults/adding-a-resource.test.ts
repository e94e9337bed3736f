import { spawnSync } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runPrisma } from '@/lib/cli/run-node-script'
import { createDatabase, dropDatabase } from '../support/databases'

const DATABASE = 'adding_a_resource'
const NOT_COPIED = new Set(['.git', '.next', '.data', 'node_modules', 'tsconfig.tsbuildinfo'])

type CodeBlock = { language: string; path: string; code: string }

const EXAMPLE = join('.github', 'example')

/** Returns the code blocks of the section that name a file, without the indentation of the list. */
async function readBlocks(): Promise<CodeBlock[]> {
  const [, section = ''] = (await readFile('.github/CONTRIBUTING.md', 'utf8')).split('\n## Adding a resource\n')
  const text = section.replace(/^ {3}/gm, '')
  return [...text.matchAll(/^```(\w+) (\S+)\n(.*?)^```$/gms)].map(([, language = '', path = '', code = '']) => ({
    language,
    path,
    code,
  }))
}

/** Returns the paths of the example's TypeScript files. */
async function exampleFiles(): Promise<string[]> {
  return (await readdir(EXAMPLE, { recursive: true })).filter((path) => path.endsWith('.ts'))
}

/** Inserts the lines with `+` next to the lines without, each of which occurs once in the text. */
function applyDiff(text: string, diff: string): string {
  const lines = text.split('\n')
  let position = -1
  let pending: string[] = []
  for (const line of diff.trimEnd().split('\n')) {
    if (line.startsWith('+')) {
      if (position === -1) pending.push(line.slice(1))
      else lines.splice((position += 1), 0, line.slice(1))
    } else {
      position = lines.indexOf(line.slice(1))
      if (position === -1) throw new Error(`No such line: ${line.slice(1)}`)
      lines.splice(position, 0, ...pending)
      position += pending.length
      pending = []
    }
  }
  return lines.join('\n')
}

describe('the example in CONTRIBUTING.md', () => {
  let folder: string
  let databaseUrl: string

  /** Runs a program in the copy of the project. Its output is part of the error when it fails. */
  function run(...args: string[]): void {
    const inherited = Object.entries(process.env).filter(([name]) => /^(PATH|HOME|TMPDIR|LANG|USER)$/.test(name))
    const env = { ...Object.fromEntries(inherited), NODE_ENV: 'test' } as const
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${args.join(' ')} failed:\n${stdout}${stderr}`)
  }

  const bin = (name: string) => join('node_modules', '.bin', name)

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hearth-example-'))
    databaseUrl = await createDatabase(DATABASE)
    for (const name of await readdir('.')) {
      if (!NOT_COPIED.has(name)) await cp(name, join(folder, name), { recursive: true })
    }
    await symlink(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'))
    for (const path of await exampleFiles()) await cp(join(EXAMPLE, path), join(folder, path))
    for (const { language, path, code } of await readBlocks()) {
      const target = join(folder, path)
      if (language === 'diff') await writeFile(target, applyDiff(await readFile(target, 'utf8'), code))
    }
  })

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
    await dropDatabase(DATABASE)
  })

  it('quotes the files of the example', async () => {
    const blocks = await readBlocks()
    expect(blocks.filter(({ language }) => language === 'diff')).toHaveLength(3)
    for (const { path, code } of blocks.filter(({ language }) => language !== 'diff')) {
      expect(await readFile(join(EXAMPLE, path), 'utf8')).toContain(code)
    }
  })

  it('generates the client and one migration', async () => {
    await runPrisma(folder, ['generate'])
    await runPrisma(folder, ['migrate', 'dev', '--create-only', '--name', 'notes'], databaseUrl)
    const [added, ...others] = (await readdir(join(folder, 'prisma', 'migrations'))).filter((name) =>
      name.endsWith('_notes'),
    )
    expect(others).toEqual([])
    const sql = await readFile(join(folder, 'prisma', 'migrations', added ?? '', 'migration.sql'), 'utf8')
    expect(sql).toContain('CREATE TABLE "notes"')
    expect(sql).not.toMatch(/DROP|ALTER TABLE "(?!notes)/)
  })

  it('has no lint or type errors', async () => {
    run(bin('oxlint'), '--deny-warnings', ...(await exampleFiles()), 'lib/openapi', '__tests__/contract')
    run(bin('tsc'), '--noEmit', '--incremental', 'false')
  })

  it('passes its own test and the contract tests', () => {
    run(bin('jest'), '--maxWorkers=1', '__tests__/api/notes', '__tests__/contract/(architecture|document)')
    run(bin('jest'), '--maxWorkers=1', '__tests__/contract/(callers|conventions)', '-t', 'notes')
  })
})
