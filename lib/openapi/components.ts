import type Joi from 'joi'
import { isRecord, toJsonSchema, type JsonSchema, type Mode } from './json-schema'

export type Components = {
  /** Converts a Joi schema to JSON Schema, with references to the shapes that have a name. */
  refer: (schema: Joi.AnySchema, mode: Mode) => JsonSchema
  /** Returns the named schemas that were referred to. */
  used: () => Record<string, JsonSchema>
}

/** Serialises with sorted keys, so that equal schemas give equal texts. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    isRecord(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  )
}

/**
 * Creates the registry of the document's named schemas. Joi copies an object whenever it is extended, so shapes are
 * compared by content, not by identity. A schema whose input differs from its output (by defaults) gets a second name,
 * `…Input`.
 */
export function createComponents(named: Record<string, Joi.AnySchema>): Components {
  const shapes = new Map<string, { name: string; json: JsonSchema }>()
  for (const [name, schema] of Object.entries(named)) {
    const output = toJsonSchema(schema, 'output')
    const input = toJsonSchema(schema, 'input')
    shapes.set(canonicalJson(output), { name, json: output })
    if (!shapes.has(canonicalJson(input))) shapes.set(canonicalJson(input), { name: `${name}Input`, json: input })
  }
  const used = new Map<string, JsonSchema>()

  const within = (json: JsonSchema): JsonSchema =>
    Object.fromEntries(Object.entries(json).map(([keyword, value]) => [keyword, replace(value)]))

  const replace = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(replace)
    if (!isRecord(value)) return value
    const shape = shapes.get(canonicalJson(value))
    if (shape === undefined) return within(value)
    if (!used.has(shape.name)) {
      used.set(shape.name, {})
      used.set(shape.name, within(shape.json))
    }
    return { $ref: `#/components/schemas/${shape.name}` }
  }

  return {
    refer: (schema, mode) => {
      const replaced = replace(toJsonSchema(schema, mode))
      return isRecord(replaced) ? replaced : {}
    },
    used: () => Object.fromEntries([...used].sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}
