import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import * as glue from '@prisma/schema-engine-wasm/schema_engine_bg'
import { registerPanics } from './panics'

const locateModule = (): string => {
  const entry = createRequire(__filename).resolve('@prisma/schema-engine-wasm')
  return join(dirname(entry), 'schema_engine_bg.wasm')
}

const instantiate = (): typeof glue.SchemaEngine => {
  registerPanics()
  const module = new WebAssembly.Module(readFileSync(locateModule()))
  const { exports } = new WebAssembly.Instance(module, { './schema_engine_bg.js': { ...glue } })
  glue.__wbg_set_wasm(exports)
  const start = exports['__wbindgen_start']
  if (typeof start === 'function') start()
  return glue.SchemaEngine
}

let loaded: typeof glue.SchemaEngine | undefined

/**
 * Loads the schema engine's WebAssembly module, once: its glue code remembers the memory of the first instance.
 *
 * The package's own entry imports the `.wasm` file as a module, which Node only does behind a flag; the same two
 * steps are done by hand here.
 */
export const loadSchemaEngine = (): typeof glue.SchemaEngine => (loaded ??= instantiate())

/** The commit the engine was built from; the native engine of the same Prisma release reports the same. */
export const engineVersion = (): string => {
  loadSchemaEngine()
  return glue.version()
}
