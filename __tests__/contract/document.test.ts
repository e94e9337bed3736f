import { openApiDocument } from '@/lib/openapi/document'
import { isRecord } from '@/lib/openapi/json-schema'
import { faults, operations, part, validator } from '../support/openapi-document'

const document = openApiDocument()

/** Returns all pairs of a schema and an example in the document. */
function examples(value: unknown, place = ''): { place: string; schema: unknown; example: unknown }[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => examples(item, `${place}/${index}`))
  if (!isRecord(value)) return []
  const here = []
  if (isRecord(value['schema'])) {
    if ('example' in value) here.push({ place, schema: value['schema'], example: value['example'] })
    for (const [name, example] of Object.entries(part(value['examples']))) {
      here.push({ place: `${place}/${name}`, schema: value['schema'], example: part(example)['value'] })
    }
  }
  return [...here, ...Object.entries(value).flatMap(([key, inner]) => examples(inner, `${place}/${key}`))]
}

/** Returns all references in the document. */
function references(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(references)
  if (!isRecord(value)) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : references(inner),
  )
}

describe('the OpenAPI document', () => {
  it('contains only valid examples', () => {
    const found = examples(document)
    expect(found.length).toBeGreaterThan(20)
    const wrong = found.flatMap(({ place, schema, example }) =>
      faults(validator(schema), example).map((line) => `${place}: ${line}`),
    )
    expect(wrong).toEqual([])
  })

  it('contains no broken reference', () => {
    const lost = references(document).filter((reference) => Object.keys(part({ $ref: reference })).length === 0)
    expect(lost).toEqual([])
  })

  it('contains no parameter without a schema', () => {
    const empty = operations.flatMap(({ method, path, operation }) => {
      const parameters: unknown[] = Array.isArray(operation['parameters']) ? operation['parameters'] : []
      return parameters
        .filter((parameter) => Object.keys(part(parameter, 'schema')).length === 0)
        .map((parameter) => `${method} ${path} ${String(part(parameter)['name'])}`)
    })
    expect(empty).toEqual([])
  })

  it('contains every operationId once', () => {
    const ids = operations.map(({ operation }) => operation['operationId'])
    expect(new Set(ids).size).toBe(ids.length)
  })
})
