import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils'
import * as glue from '@prisma/schema-engine-wasm/schema_engine_bg'

/** A request of the CLI, by the native engine's name of the method. */
export type Request = { method: string; params: unknown }

const METHODS = new Set([
  'applyMigrations',
  'createMigration',
  'dbExecute',
  'debugPanic',
  'devDiagnostic',
  'diagnoseMigrationHistory',
  'diff',
  'ensureConnectionValidity',
  'evaluateDataLoss',
  'introspect',
  'introspectSql',
  'markMigrationApplied',
  'markMigrationRolledBack',
  'reset',
  'schemaPush',
])

let lastPanic = 'The schema engine stopped unexpectedly.'

/** Returns the message of the last panic, which a WebAssembly error does not have. */
export const panicMessage = () => lastPanic

let loaded: typeof glue.SchemaEngine | undefined

/**
 * Loads the WebAssembly module, once: its glue code refers to the memory of one instance. The package's own entry
 * imports the `.wasm` file as a module, which Node.js supports only behind a flag.
 */
function load(): typeof glue.SchemaEngine {
  if (loaded !== undefined) return loaded
  // The glue code calls this global before a panic; the package does not define it.
  Reflect.set(globalThis, 'PRISMA_WASM_PANIC_REGISTRY', { set_message: (message: string) => (lastPanic = message) })
  const entry = createRequire(__filename).resolve('@prisma/schema-engine-wasm')
  const module = new WebAssembly.Module(readFileSync(join(dirname(entry), 'schema_engine_bg.wasm')))
  const { exports } = new WebAssembly.Instance(module, { './schema_engine_bg.js': { ...glue } })
  glue.__wbg_set_wasm(exports)
  const start = exports['__wbindgen_start']
  if (typeof start === 'function') start()
  return (loaded = glue.SchemaEngine)
}

/** Returns the commit that the engine was built from, the same as the native engine's of this Prisma release. */
export function engineVersion(): string {
  load()
  return glue.version()
}

/** Starts an engine with the content of schema files. */
export function startEngine(
  files: [path: string, content: string][],
  factory: SqlMigrationAwareDriverAdapterFactory,
  log: (line: string) => void,
): Promise<glue.SchemaEngine> {
  const options = { datamodels: files.length > 0 ? files : undefined }
  return load().new(options, log, bindMigrationAwareSqlAdapterFactory(factory))
}

/**
 * Waits for a call of the engine or for a panic, which leaves the call's promise pending and arrives as an uncaught
 * exception. The process goes on: some commands of the CLI take an engine that has exited for a success.
 */
export async function untilPanic<T>(call: () => Promise<T>): Promise<T> {
  let stop = () => {}
  const panic = new Promise<never>((_resolve, reject) => {
    process.once('uncaughtException', reject)
    stop = () => process.off('uncaughtException', reject)
  })
  return Promise.race([call(), panic]).finally(stop)
}

async function call(engine: glue.SchemaEngine, method: string, params: unknown): Promise<unknown> {
  const found: unknown = METHODS.has(method) ? Reflect.get(engine, method) : undefined
  if (typeof found !== 'function') throw new Error(`The schema engine has no method ${method}.`)
  return Reflect.apply(found, engine, [params])
}

/**
 * Calls the method that a request names.
 *
 * `createMigration` and `evaluateDataLoss` compare the schema with the replayed migrations, but have no access to a
 * shadow database in WebAssembly. A diagnosis has, and leaves its result in the cache that the two read. The CLI has
 * applied all migrations by then, so the diagnosis covers all of them.
 */
export async function callMethod(
  engine: glue.SchemaEngine,
  { method, params }: Request,
  print: (content: string) => void,
): Promise<unknown> {
  if (method === 'getDatabaseVersion') return engine.version(null)
  if (
    (method === 'createMigration' || method === 'evaluateDataLoss') &&
    typeof params === 'object' &&
    params !== null
  ) {
    await call(engine, 'diagnoseMigrationHistory', { ...params, optInToShadowDatabase: true })
  }
  const result = await call(engine, method, params)
  // The native engine prints a difference through the CLI instead of returning it.
  if (method !== 'diff' || typeof result !== 'object' || result === null || !('stdout' in result)) return result
  if (typeof result.stdout === 'string') print(result.stdout.replace(/\n$/, ''))
  return { ...result, stdout: null }
}
