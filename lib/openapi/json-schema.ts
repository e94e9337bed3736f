import type Joi from 'joi'

/** A JSON Schema of the dialect 2020-12, the one of OpenAPI 3.1. */
export type JsonSchema = { [keyword: string]: unknown }

/** What a schema takes, or what it lets through: defaults make the difference. */
export type Mode = 'input' | 'output'

export function isRecord(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The JSON Schema of a Joi schema. A key's `.meta({ jsonSchema })` adds what Joi cannot know of a custom rule. */
export function toJsonSchema(schema: Joi.AnySchema, mode: Mode): JsonSchema {
  const { $defs: _shared, ...json } = schema['~standard'].jsonSchema[mode]({ target: 'draft-2020-12' })
  return complete(json, schema.describe())
}

/** Joi leaves three things out: metas, null in the list of a nullable enumeration, and that a forbidden key is none. */
function complete(json: JsonSchema, description: Joi.Description): JsonSchema {
  const metas: unknown[] = Array.isArray(description['metas']) ? description['metas'] : []
  const known = metas.flatMap((meta) => (isRecord(meta) && isRecord(meta['jsonSchema']) ? [meta['jsonSchema']] : []))
  const result: JsonSchema = Object.assign({}, json, ...known)
  const { type, enum: values, patternProperties } = result
  if (Array.isArray(values) && Array.isArray(type) && type.includes('null')) result['enum'] = [...values, null]
  if (isRecord(result['properties']) && isRecord(description['keys'])) {
    result['properties'] = completeKeys(result['properties'], description['keys'])
  }
  if (isRecord(result['items']) && Array.isArray(description['items'])) {
    result['items'] = complete(result['items'], description['items'][0])
  }
  // Any key at all: a map, which generated clients know by this keyword alone.
  if (isRecord(patternProperties) && isRecord(patternProperties['.*'])) {
    delete result['patternProperties']
    result['additionalProperties'] = patternProperties['.*']
  }
  return result
}

function completeKeys(properties: JsonSchema, keys: JsonSchema): JsonSchema {
  const completed: JsonSchema = {}
  for (const [name, property] of Object.entries(properties)) {
    const key = keys[name]
    const isForbidden = isRecord(key) && isRecord(key['flags']) && key['flags']['presence'] === 'forbidden'
    if (!isForbidden) completed[name] = isRecord(property) && isRecord(key) ? complete(property, key) : property
  }
  return completed
}
