import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { runNodeScript, runPrisma } from './run-node-script'

/** The inputs of the Prisma client and of the production build. */
const CLIENT_SOURCES = ['prisma/schema.prisma', 'package-lock.json']
const BUILD_SOURCES = [...CLIENT_SOURCES, 'pages', 'lib', 'next.config.js', 'tsconfig.json', 'package.json']

const CLIENT_HASH = join('prisma', 'generated', '.sources')
const BUILD_HASH = join('.next', 'hearth-sources')

async function filesBelow(projectDir: string, path: string): Promise<string[]> {
  try {
    const entries = await readdir(join(projectDir, path), { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
  } catch {
    return [join(projectDir, path)]
  }
}

/** Returns a hash of the names and contents of all source files. */
async function hashSources(projectDir: string, sources: string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const source of sources) {
    for (const file of await filesBelow(projectDir, source)) {
      hash
        .update(file.slice(projectDir.length))
        .update('\0')
        .update(await readFile(file))
        .update('\0')
    }
  }
  return hash.digest('hex')
}

async function ifStale(
  projectDir: string,
  { sources, hashFile }: { sources: string[]; hashFile: string },
  build: () => Promise<unknown>,
): Promise<void> {
  const current = await hashSources(projectDir, sources)
  const path = join(projectDir, hashFile)
  const built = await readFile(path, 'utf8').catch(() => '')
  if (built === current) return
  await build()
  await writeFile(path, current)
}

/** Generates the Prisma client unless it is up to date. */
export async function ensureClient(projectDir: string, print: (line: string) => void): Promise<void> {
  await ifStale(projectDir, { sources: CLIENT_SOURCES, hashFile: CLIENT_HASH }, async () => {
    print('Generating the Prisma client …')
    await runPrisma(projectDir, ['generate'])
  })
}

/** Creates the production build unless it is up to date. */
export async function ensureBuild(projectDir: string, print: (line: string) => void): Promise<void> {
  await ifStale(projectDir, { sources: BUILD_SOURCES, hashFile: BUILD_HASH }, async () => {
    print('Building for production (about half a minute, once) …')
    const next = createRequire(join(projectDir, 'package.json')).resolve('next/dist/bin/next')
    await runNodeScript(projectDir, {
      name: 'next build',
      args: [next, 'build'],
      env: { NEXT_TELEMETRY_DISABLED: '1' },
    })
  })
}

/** Runs `npm run build [-- --client-only]`. */
async function main(): Promise<void> {
  const print = (line: string) => process.stdout.write(`${line}\n`)
  await ensureClient(process.cwd(), print)
  if (!process.argv.includes('--client-only')) await ensureBuild(process.cwd(), print)
}

if (require.main === module) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  })
}
