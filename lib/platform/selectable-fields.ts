import type { Operation } from './operation'

/** What `?fields=` may select: the top-level fields of a resource or, with `plural`, of each item of a list. */
export type SelectableFields = { plural?: string; names: readonly string[] }

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const namesIn = (described: unknown): string[] =>
  isRecord(described) && isRecord(described['keys']) ? Object.keys(described['keys']) : []

const known = new WeakMap<Operation, SelectableFields | undefined>()

/** Returns what `?fields=` may select from the response of an operation: of resources and lists, which have an `ETag`. */
export function selectableFields(operation: Operation): SelectableFields | undefined {
  if (!known.has(operation)) known.set(operation, derive(operation))
  return known.get(operation)
}

function derive({ method, etag, selectable = true, responses }: Operation): SelectableFields | undefined {
  const schema = responses[200]?.schema
  if (method !== 'GET' || etag !== true || !selectable || schema === undefined) return undefined
  const described = schema.describe()
  const names = namesIn(described)
  const [only = '', ...others] = names.filter((name) => name !== 'pagination')
  const keys: unknown = described['keys']
  const list = isRecord(keys) ? keys[only] : undefined
  if (others.length > 0 || !isRecord(list) || list['type'] !== 'array') return { names }
  const items: unknown[] = Array.isArray(list['items']) ? list['items'] : []
  return { plural: only, names: namesIn(items[0]) }
}
