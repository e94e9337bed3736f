import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { delimiter, dirname, join } from 'node:path'
import { loadEnvConfig } from '@next/env'
import { defineConfig } from 'prisma/config'

const PROJECT_DIR = __dirname
const { env } = process

loadEnvConfig(PROJECT_DIR, env['NODE_ENV'] === 'development', { info: () => {}, error: console.error })
// The engine of the lock file, instead of a download. Its first line looks for Node in PATH.
env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= join(PROJECT_DIR, 'prisma', 'schema-engine.mjs')
env['PATH'] = [dirname(process.execPath), env['PATH']].filter(Boolean).join(delimiter)
env['CHECKPOINT_DISABLE'] ??= '1'
env['PRISMA_HIDE_UPDATE_MESSAGE'] ??= '1'

/** Returns the URL of the embedded database, which another process holds until this one ends. */
async function embeddedDatabaseUrl(): Promise<string> {
  const args = ['--require', 'tsx/cjs', join(PROJECT_DIR, 'lib', 'cli', 'hold-database.ts')]
  const holder = spawn(process.execPath, args, { cwd: PROJECT_DIR, detached: true, stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await Promise.race([once(createInterface(holder.stdout), 'line'), once(holder, 'exit')])
  const { url, pidFile } = JSON.parse(typeof line === 'string' ? line : '{}')
  if (typeof url !== 'string') throw new Error('The embedded database did not start.')
  holder.unref()
  for (const pipe of [holder.stdin, holder.stdout]) if (pipe instanceof Socket) pipe.unref()
  // There is no file to wait for if the database belongs to a running server.
  process.once('exit', () => {
    // The next command must not find a database that is about to stop.
    holder.kill()
    for (let waited = 0; existsSync(pidFile) && waited < 10_000; waited += 20) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  })
  return url
}

const words = process.argv.slice(2)
// A comparison of schema files needs no database, and must not fail because there is none.
const isOffline =
  words.includes('diff') && !words.some((word) => /^--(from|to)-(migrations|config-datasource)/.test(word))
const needsDatabase = words.some((word) => ['migrate', 'db', 'studio'].includes(word)) && !isOffline
const url = isOffline
  ? undefined
  : env['DATABASE_DIRECT_URL'] || env['DATABASE_URL'] || (needsDatabase ? await embeddedDatabaseUrl() : undefined)

export default defineConfig({
  schema: join('prisma', 'schema.prisma'),
  migrations: { path: join('prisma', 'migrations'), seed: 'node --require tsx/cjs prisma/seed.ts' },
  ...(url === undefined ? {} : { datasource: { url } }),
})
