import type Joi from 'joi'
import { isRecord, toJsonSchema, type JsonSchema, type Mode } from './json-schema'

export type Components = {
  /** The JSON Schema of a Joi schema, with references in the place of shapes that have a name. */
  refer: (schema: Joi.AnySchema, mode: Mode) => JsonSchema
  /** The named schemas that were referred to. */
  used: () => Record<string, JsonSchema>
}

/** JSON with sorted keys: equal schemas give equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    isRecord(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  )
}

/**
 * The named schemas of the document. Joi objects are copied whenever they are extended, so a shape is known by what it
 * says, not by which object it is. A name whose input differs from its output (by defaults) gets a second, `…Input`.
 */
export function createComponents(named: Record<string, Joi.AnySchema>): Components {
  const shapes = new Map<string, { name: string; json: JsonSchema }>()
  for (const [name, schema] of Object.entries(named)) {
    const output = toJsonSchema(schema, 'output')
    const input = toJsonSchema(schema, 'input')
    shapes.set(canonical(output), { name, json: output })
    if (!shapes.has(canonical(input))) shapes.set(canonical(input), { name: `${name}Input`, json: input })
  }
  const used = new Map<string, JsonSchema>()

  const within = (json: JsonSchema): JsonSchema =>
    Object.fromEntries(Object.entries(json).map(([keyword, value]) => [keyword, replace(value)]))

  const replace = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(replace)
    if (!isRecord(value)) return value
    const shape = shapes.get(canonical(value))
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
