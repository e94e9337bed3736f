import { isRecord, type JsonSchema } from './json-schema'

/** Example values by property name. */
const BY_NAME: JsonSchema = {
  email: 'ada@example.com',
  password: 'correct horse battery',
  newPassword: 'a better horse battery',
  currentPassword: 'correct horse battery',
  name: 'Ada Lovelace',
  role: 'user',
  token: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.signature',
  refreshToken: 'q3J9Zr0yT4m1kUj8Jt0o2bX7nHc5wVdE',
  userAgent: 'Mozilla/5.0',
  ip: '203.0.113.7',
  expiresIn: 900,
  createdAt: '2026-11-21T09:30:00.000Z',
  updatedAt: '2026-11-21T09:30:00.000Z',
  lastUsedAt: '2026-11-21T09:30:00.000Z',
  expiresAt: '2026-11-28T09:30:00.000Z',
  nextCursor: null,
  currency: 'USD',
}

const BY_FORMAT: JsonSchema = {
  'date-time': '2026-11-21T09:30:00.000Z',
  date: '1815-12-10',
  email: 'ada@example.com',
  uri: 'https://example.com/',
  uuid: '0b9d3c55-5e3c-4c1f-9a68-6f5d7e6a2b10',
}

/** Returns whether a value has the type of a schema and is one of its `enum`. */
function fits(value: unknown, schema: JsonSchema): boolean {
  const { type, enum: words, format } = schema
  if (Array.isArray(words) && !words.includes(value)) return false
  if (format === 'uuid' || (value !== null && typeof value === 'object')) return false
  const types: unknown[] = Array.isArray(type) ? type : [type]
  const is = value === null ? 'null' : typeof value
  return types.includes(is) || (is === 'number' && types.includes('integer'))
}

/**
 * Generates an example of a schema: by property name, then by format, then by type. Request bodies (`requiredOnly`) have
 * only the required keys, responses have all.
 */
export function exampleOf(
  schema: JsonSchema,
  context: { named: Record<string, JsonSchema>; requiredOnly: boolean },
  name = '',
): unknown {
  const { $ref: reference, type, anyOf, properties, items } = schema
  if (typeof reference === 'string') {
    return exampleOf(context.named[reference.split('/').at(-1) ?? ''] ?? {}, context, name)
  }
  if (Array.isArray(schema['examples'])) return schema['examples'][0]
  if (Object.hasOwn(BY_NAME, name) && fits(BY_NAME[name], schema)) return BY_NAME[name]
  if (schema['default'] !== undefined) return schema['default']
  if (Array.isArray(schema['enum'])) return schema['enum'][0]
  if (typeof schema['format'] === 'string' && Object.hasOwn(BY_FORMAT, schema['format'])) {
    return BY_FORMAT[schema['format']]
  }
  if (Array.isArray(anyOf)) {
    const choices: unknown[] = anyOf
    const choice = choices.filter(isRecord).find((one) => one['type'] !== 'null')
    return choice === undefined ? null : exampleOf(choice, context, name)
  }
  const types: unknown[] = Array.isArray(type) ? type : [type]
  if (types.includes('object')) {
    const required: unknown[] = Array.isArray(schema['required']) ? schema['required'] : []
    const entries = Object.entries(isRecord(properties) ? properties : {})
      .filter(([key]) => !context.requiredOnly || required.includes(key))
      .map(([key, value]) => [key, isRecord(value) ? exampleOf(value, context, key) : null])
    return Object.fromEntries(entries)
  }
  if (types.includes('array')) return isRecord(items) ? [exampleOf(items, context, name)] : []
  if (types.includes('integer') || types.includes('number')) return schema['minimum'] ?? 1
  if (types.includes('boolean')) return true
  if (types.includes('string')) return 'text'
  return null
}
