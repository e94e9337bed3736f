import { readFileSync } from 'node:fs'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import type { SchemaEngine } from '@prisma/schema-engine-wasm/schema_engine_bg'
import { createConnections } from './adapter'
import type { EngineConnections } from './adapter'
import type { EngineArguments } from './arguments'
import { createOfflineFactory } from './offline'
import { loadSchemaEngine } from './wasm'

/** Where the engine's connections come from: the configured database, or nowhere. */
export const prepareConnections = ({ url, shadowDatabaseUrl }: EngineArguments): EngineConnections =>
  url === undefined
    ? { factory: createOfflineFactory(), scriptError: () => undefined, close: () => Promise.resolve() }
    : createConnections(url, shadowDatabaseUrl)

/** Starts an engine on these connections and the schema files the CLI named. */
export const startEngine = ({ datamodels }: EngineArguments, { factory }: EngineConnections): Promise<SchemaEngine> => {
  const files = datamodels.map((path): [string, string] => [path, readFileSync(path, 'utf8')])
  const log = (line: string): void => {
    process.stderr.write(line)
  }
  const options = { datamodels: files.length > 0 ? files : undefined }
  return loadSchemaEngine().new(options, log, bindMigrationAwareSqlAdapterFactory(factory))
}
