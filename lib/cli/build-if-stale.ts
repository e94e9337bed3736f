import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { runPrisma, runNodeScript } from './run-node-script'

/** What the Prisma client is made from, and what the routes are compiled from. */
const CLIENT_SOURCES = ['prisma/schema.prisma', 'package-lock.json']
const BUILD_SOURCES = [...CLIENT_SOURCES, 'pages', 'lib', 'next.config.js', 'tsconfig.json', 'package.json']

const CLIENT_STAMP = join('prisma', 'generated', '.sources')
const BUILD_STAMP = join('.next', 'hearth-sources')

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

/** A hash over names and contents of sources. */
async function fingerprint(projectDir: string, sources: string[]): Promise<string> {
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
  made: { sources: string[]; stamp: string },
  make: () => Promise<unknown>,
): Promise<void> {
  const now = await fingerprint(projectDir, made.sources)
  const stamp = join(projectDir, made.stamp)
  const then = await readFile(stamp, 'utf8').catch(() => '')
  if (then === now) return
  await make()
  await writeFile(stamp, now)
}

/** Generates the Prisma client unless the one there is of this schema. */
export async function ensureClient(projectDir: string, say: (line: string) => void): Promise<void> {
  await ifStale(projectDir, { sources: CLIENT_SOURCES, stamp: CLIENT_STAMP }, async () => {
    say('Generating the Prisma client …')
    await runPrisma(projectDir, ['generate'])
  })
}

/** Builds for production unless the build there is of these sources. */
export async function ensureBuild(projectDir: string, say: (line: string) => void): Promise<void> {
  await ifStale(projectDir, { sources: BUILD_SOURCES, stamp: BUILD_STAMP }, async () => {
    say('Building for production (about half a minute, once) …')
    const next = createRequire(join(projectDir, 'package.json')).resolve('next/dist/bin/next')
    await runNodeScript(projectDir, {
      name: 'next build',
      args: [next, 'build'],
      env: { NEXT_TELEMETRY_DISABLED: '1' },
    })
  })
}
