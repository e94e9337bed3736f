import Joi from 'joi'
import { JSON_LEVELS_MAX, JSON_NODES_MAX, jsonBoundsError } from '@/lib/json-bounds'
import { check, object, text } from '@/lib/validation'

const schema = object({
  required: { name: text({ min: 1, max: 10 }) },
  optional: {
    tags: Joi.array<string[]>()
      .items(text({ min: 1, max: 5 }))
      .max(3),
  },
})

describe('check', () => {
  it('returns the value when it is valid', () => {
    expect(check(schema, { name: 'a', tags: ['b'] }, 'body')).toEqual({ value: { name: 'a', tags: ['b'] } })
  })

  it('reports every invalid field', () => {
    const { details } = check(schema, { name: '', tags: [''], extra: 1 }, 'body')
    expect(Object.keys(details ?? {}).toSorted()).toEqual(['extra', 'name', 'tags.0'])
  })

  it('reports at most 100 fields of a body with 50,000 unknown keys, the missing one among them', () => {
    const input = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`key${index}`, 0]))
    const validate = jest.spyOn(schema, 'validate')
    const { details } = check(schema, input, 'body')
    expect(Object.keys(details ?? {}).length).toBeLessThanOrEqual(100)
    expect(details?.['name']).toEqual(['is required'])
    expect(details?.['key0']).toEqual(['is not allowed'])
    // Joi never sees the unknown keys, each of which costs it microseconds.
    expect(Object.keys(validate.mock.calls[0]?.[0] ?? {})).toEqual([])
    validate.mockRestore()
  })

  it('reports a long array once and checks only the items that it may hold', () => {
    const validate = jest.spyOn(schema, 'validate')
    const { details } = check(schema, { name: 'a', tags: Array<string>(10_000).fill('') }, 'body')
    expect(details).toMatchObject({ tags: ['must contain less than or equal to 3 items'] })
    expect(Object.keys(details ?? {})).toHaveLength(4)
    expect(validate.mock.calls[0]?.[0]).toMatchObject({ tags: ['', '', ''] })
    validate.mockRestore()
  })
})

describe('jsonBoundsError', () => {
  const errorOf = (json: string) => jsonBoundsError(Buffer.from(json))

  it('accepts values within the bounds, whatever their strings contain', () => {
    expect(errorOf('{"a":[1,2,{"b":"[[[[,,,,\\"{{"}]}')).toBeUndefined()
    expect(errorOf(`"${'[,'.repeat(20_000)}"`)).toBeUndefined()
    expect(errorOf('['.repeat(JSON_LEVELS_MAX) + ']'.repeat(JSON_LEVELS_MAX))).toBeUndefined()
  })

  it('rejects values that are nested too deeply', () => {
    expect(errorOf('['.repeat(JSON_LEVELS_MAX + 1))).toContain('nested deeper than 64 levels')
    expect(errorOf('{"a":'.repeat(JSON_LEVELS_MAX + 1))).toContain('nested deeper than 64 levels')
  })

  it('rejects values with too many members', () => {
    expect(errorOf(`[${'1,'.repeat(JSON_NODES_MAX)}1]`)).toContain('more than 10000 values')
    expect(errorOf(`[${'1,'.repeat(JSON_NODES_MAX - 3)}1]`)).toBeUndefined()
  })

  it('leaves malformed JSON to the parser', () => {
    for (const json of ['', '"', '"\\', ']]]', '{"a"']) expect(errorOf(json)).toBeUndefined()
  })
})
