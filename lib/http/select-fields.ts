import type { NextApiRequest } from 'next'
import type { Operation } from '@/lib/platform/operation'
import { selectableFields, type SelectableFields } from '@/lib/platform/selectable-fields'

type Selection = SelectableFields & { selected?: ReadonlySet<string> }

const selections = new WeakMap<NextApiRequest, Selection>()

/** Lets `parseQuery` accept `?fields=`, if the response of the operation is a resource or list. */
export function allowFields(req: NextApiRequest, operation: Operation | undefined): void {
  const fields = operation && selectableFields(operation)
  if (fields !== undefined) selections.set(req, fields)
}

/**
 * Reads `?fields=id,name` where it is allowed. Returns the rest of the query, and the error message if a field is unknown or
 * repeated.
 */
export function takeFields(req: NextApiRequest): { query: NextApiRequest['query']; error?: string } {
  const allowed = selections.get(req)
  const { fields, ...query } = req.query
  if (allowed === undefined || fields === undefined) return { query: req.query }
  const words = typeof fields === 'string' ? fields.split(',') : []
  const selected = new Set(words)
  const isValid = words.length > 0 && selected.size === words.length && words.every((w) => allowed.names.includes(w))
  if (!isValid) return { query, error: `must be a comma-separated list of: ${allowed.names.join(', ')}` }
  selections.set(req, { ...allowed, selected })
  return { query }
}

function pick(value: unknown, selected: ReadonlySet<string>): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).filter(([name]) => selected.has(name)))
}

/** Returns a response body with only the selected fields of the resource or of each item; unchanged without `?fields=`. */
export function selectFields(req: NextApiRequest, body: unknown): unknown {
  const { selected, plural } = selections.get(req) ?? {}
  if (selected === undefined) return body
  if (plural === undefined) return pick(body, selected)
  if (typeof body !== 'object' || body === null) return body
  return Object.fromEntries(
    Object.entries(body).map(([name, value]): [string, unknown] =>
      name === plural && Array.isArray(value) ? [name, value.map((item) => pick(item, selected))] : [name, value],
    ),
  )
}
