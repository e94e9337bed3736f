import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020'
import addFormats from 'ajv-formats'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type * as DocumentModule from '@/lib/openapi/document'
import { isRecord, type JsonSchema } from '@/lib/openapi/json-schema'

const METHODS = ['get', 'post', 'put', 'patch', 'delete']

export type DocumentedOperation = { path: string; method: string; operation: JsonSchema; pattern: RegExp }

const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats(ajv)
let isNotModified = false

/** Returns the OpenAPI document. The first test file of a run writes it to a file for the others: generating takes 0.5 s. */
const openApiDocument = once(() => {
  const path = join(process.env['HEARTH_TEST_DATA_DIR'] ?? '', 'openapi.json')
  try {
    const stored: JsonSchema = JSON.parse(readFileSync(path, 'utf8'))
    return stored
  } catch {
    const { openApiDocument: generate }: typeof DocumentModule = require('@/lib/openapi/document')
    const document = generate()
    writeFileSync(`${path}.${process.pid}`, JSON.stringify(document))
    renameSync(`${path}.${process.pid}`, path)
    return document
  }
})

function once<T>(create: () => T): () => T {
  let created: { value: T } | undefined
  return () => (created ??= { value: create() }).value
}

/** Returns a part of the document and resolves references. */
export function part(value: unknown, ...keys: string[]): JsonSchema {
  let found: unknown = resolve(value)
  for (const key of keys) found = isRecord(found) ? resolve(found[key]) : undefined
  return isRecord(found) ? found : {}
}

function resolve(value: unknown): unknown {
  if (!isRecord(value) || typeof value['$ref'] !== 'string') return value
  return part(openApiDocument(), ...value['$ref'].slice(2).split('/'))
}

/** Only a `{path}` parameter at the end of a path may contain slashes. */
function toPattern(path: string): RegExp {
  const source = path
    .replace(/[.]/g, '\\.')
    .replace(/\{path\}$/, '.+')
    .replace(/\{\w+\}/g, '[^/]+')
  return new RegExp(`^${source}$`)
}

/** All operations of the document. */
export const operations: readonly DocumentedOperation[] = Object.entries(part(openApiDocument(), 'paths')).flatMap(
  ([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = isRecord(item) ? item[method] : undefined
      return isRecord(operation) ? [{ path, method, operation, pattern: toPattern(path) }] : []
    }),
)

/** Returns the operation of a request. A path without parameters takes precedence, whatever its methods (OpenAPI 3.1, 4.8.8.1). */
export function findOperation(method: string, pathname: string): DocumentedOperation | undefined {
  const wanted = (method === 'HEAD' ? 'GET' : method).toLowerCase()
  const fitting = operations.filter((one) => one.pattern.test(pathname))
  const literal = fitting.filter((one) => !one.path.includes('{'))
  return (literal.length > 0 ? literal : fitting).find((one) => one.method === wanted)
}

/** Compiles a schema of the document. */
export function validator(schema: unknown): ValidateFunction {
  if (!isNotModified) ajv.addSchema(openApiDocument(), 'openapi.json')
  isNotModified = true
  return ajv.compile(withAbsoluteReferences(schema))
}

function withAbsoluteReferences(schema: unknown): JsonSchema {
  const text = JSON.stringify(schema, (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' ? `openapi.json${value}` : value,
  )
  const parsed: unknown = JSON.parse(text)
  return isRecord(parsed) ? parsed : {}
}

/** Returns the validation errors of a value, one per line. */
export function faults(validate: ValidateFunction, value: unknown): string[] {
  if (validate(value)) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath || 'it'} ${message} ${JSON.stringify(params)}`,
  )
}
