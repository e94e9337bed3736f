import type Joi from 'joi'
import { apiTags } from '@/lib/openapi/registry'
import { isRecord } from '@/lib/openapi/json-schema'

const operations = apiTags.flatMap((tag) => tag.operations)

/** Rules that bound the length of a string; a pattern must begin and end with an anchor and repeat a bounded number of times. */
const BOUNDING_RULES = ['max', 'length', 'guid', 'hex']

function isBounding(rule: unknown): boolean {
  if (!isRecord(rule) || !isRecord(rule['args'] ?? {})) return false
  if (BOUNDING_RULES.includes(String(rule['name']))) return true
  const args = isRecord(rule['args']) ? rule['args'] : {}
  return (
    rule['name'] === 'pattern' && /^\/\^.*\$\/\w*$/.test(String(args['regex'])) && !/[*+]/.test(String(args['regex']))
  )
}

/** Returns the paths of strings and arrays without a maximum in a described schema. */
function unbounded(described: unknown, path: string): string[] {
  if (!isRecord(described)) return []
  const { type } = described
  const flags = isRecord(described['flags']) ? described['flags'] : {}
  const rules: unknown[] = Array.isArray(described['rules']) ? described['rules'] : []
  const below = [
    ...Object.entries(isRecord(described['keys']) ? described['keys'] : {}).map(([key, value]) =>
      unbounded(value, `${path}.${key}`),
    ),
    ...(Array.isArray(described['items']) ? described['items'] : []).map((item) => unbounded(item, `${path}[]`)),
    ...(Array.isArray(described['matches']) ? described['matches'] : []).map((match) =>
      unbounded(isRecord(match) ? match['schema'] : undefined, path),
    ),
    ...(Array.isArray(described['patterns']) ? described['patterns'] : []).map((pattern) =>
      unbounded(isRecord(pattern) ? pattern['rule'] : undefined, `${path}.*`),
    ),
  ].flat()
  const isClosedList = flags['only'] === true || flags['presence'] === 'forbidden'
  const needsBound = (type === 'string' || type === 'array') && !isClosedList
  return needsBound && !rules.some(isBounding) ? [path, ...below] : below
}

const inputs = operations.flatMap(({ method, path, body, parameters = [] }) =>
  [...(body === undefined ? [] : [body]), ...parameters].map((schema: Joi.AnySchema): [string, Joi.AnySchema] => [
    `${method} ${path}`,
    schema,
  ]),
)

describe('the schemas of bodies, queries and paths', () => {
  it.each([...new Set(inputs.map(([name]) => name))])('bound every string and array of %s', (name) => {
    const found = inputs.filter(([other]) => other === name).flatMap(([, schema]) => unbounded(schema.describe(), name))
    expect(found).toEqual([])
  })
})
