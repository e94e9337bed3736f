import type { SchemaEngine } from '@prisma/schema-engine-wasm/schema_engine_bg'
import { print } from './rpc'
import type { RpcRequest } from './rpc'

const ENGINE_METHODS: ReadonlySet<string> = new Set([
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

const callEngine = async (engine: SchemaEngine, { method, params }: RpcRequest): Promise<unknown> => {
  const found: unknown = ENGINE_METHODS.has(method) ? Reflect.get(engine, method) : undefined
  if (typeof found !== 'function') throw new Error(`The schema engine has no method ${method}`)
  const result: unknown = await Reflect.apply(found, engine, [params])
  return result
}

/** Prints a diff by way of the CLI, as the native engine does, instead of returning its text. */
const printDiff = (result: unknown): unknown => {
  if (typeof result !== 'object' || result === null || !('stdout' in result)) return result
  if (typeof result.stdout === 'string') print(result.stdout.replace(/\n$/, ''))
  return { ...result, stdout: null }
}

const NEEDS_REPLAY: ReadonlySet<string> = new Set(['createMigration', 'evaluateDataLoss'])

/**
 * Has the engine replay the migrations in a shadow database and remember the outcome.
 *
 * Two methods compare the schema with what the migrations amount to, but in WebAssembly find no way to a shadow
 * database themselves; a diagnosis does, and leaves its result in the cache the two look into first. By then the CLI
 * has applied every migration, so what is diagnosed as applied is all of them.
 */
const replayMigrations = async (engine: SchemaEngine, { params }: RpcRequest): Promise<void> => {
  if (typeof params !== 'object' || params === null) return
  const migrationsList: unknown = Reflect.get(params, 'migrationsList')
  const filters: unknown = Reflect.get(params, 'filters')
  const diagnosis = { migrationsList, filters, optInToShadowDatabase: true }
  await callEngine(engine, { id: undefined, method: 'diagnoseMigrationHistory', params: diagnosis })
}

/** Calls the method of the engine a request names. */
export const callMethod = async (engine: SchemaEngine, request: RpcRequest): Promise<unknown> => {
  if (request.method === 'getDatabaseVersion') return engine.version(null)
  if (NEEDS_REPLAY.has(request.method)) await replayMigrations(engine, request)
  const result = await callEngine(engine, request)
  return request.method === 'diff' ? printDiff(result) : result
}
