import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { findNativeEngine } from './native-engine'

const CONFIG = join(__dirname, 'prisma.config.ts')
const ENGINE = join(__dirname, 'schema-engine.mjs')

const engineEnvironment = (): Readonly<Record<string, string>> => {
  const { PRISMA_SCHEMA_ENGINE_BINARY: chosen, PRISMA_MIGRATION_ENGINE_BINARY: formerName } = process.env
  if (chosen || formerName) return {}
  return { PRISMA_SCHEMA_ENGINE_BINARY: findNativeEngine() ?? ENGINE }
}

const environment = (): NodeJS.ProcessEnv => ({
  CHECKPOINT_DISABLE: '1',
  PRISMA_HIDE_UPDATE_MESSAGE: '1',
  ...process.env,
  ...engineEnvironment(),
  // The engine's first line asks the path for Node, which should be the Node this runs on.
  PATH: [dirname(process.execPath), process.env['PATH']].filter(Boolean).join(delimiter),
})

const isConfigFlag = (word: string): boolean => word === '--config' || word.startsWith('--config=')

/** Puts the config file first, so that it is a flag of Prisma's and never an argument of the seed command's. */
const withConfig = (args: readonly string[]): readonly string[] =>
  args.some(isConfigFlag) ? args : ['--config', CONFIG, ...args]

const main = (): void => {
  const prisma = join(dirname(createRequire(__filename).resolve('prisma/package.json')), 'build', 'index.js')
  const args = [prisma, ...withConfig(process.argv.slice(2))]
  const child = spawn(process.execPath, args, { stdio: 'inherit', env: environment() })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    for (const name of signals) process.removeAllListeners(name)
    if (signal === null) process.exit(code ?? 1)
    process.kill(process.pid, signal)
  })
}

main()
