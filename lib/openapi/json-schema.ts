import type Joi from 'joi'

/** A JSON Schema of the dialect 2020-12, the one of OpenAPI 3.1. */
export type JsonSchema = { [keyword: string]: unknown }

/** Whether to describe the values that a schema accepts or those that it returns; they differ by the defaults. */
export type Mode = 'input' | 'output'

export function isRecord(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Converts a Joi schema to JSON Schema. `.meta({ jsonSchema })` of a key describes what a custom rule does. */
export function toJsonSchema(schema: Joi.AnySchema, mode: Mode): JsonSchema {
  const { $defs: _shared, ...json } = schema['~standard'].jsonSchema[mode]({ target: 'draft-2020-12' })
  return complete(json, schema.describe())
}

/** Patches three gaps in Joi's JSON Schema output: `meta`, `null` in nullable enums, and forbidden keys. */
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
  // A map: generated clients only recognise it by `additionalProperties`.
  if (isRecord(patternProperties) && isRecord(patternProperties['.*'])) {
    delete result['patternProperties']
    result['additionalProperties'] = patternProperties['.*']
  }
  // Generated clients take an object of which nothing is said for an empty one.
  const { properties, additionalProperties } = result
  if (type === 'object' && properties === undefined && additionalProperties === undefined) {
    result['additionalProperties'] = true
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
