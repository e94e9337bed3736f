import { selectableFields } from '@/lib/platform/selectable-fields'
import { api } from '../support/api'
import { createProduct, signIn } from '../support/factories'
import { byName, createResource, operations, ownerFor } from './operations'

const selectable = operations.filter((operation) => selectableFields(operation) !== undefined)
const others = operations.filter((operation) => !selectable.includes(operation))

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** Returns the resource, or the items of a list. */
function itemsOf(json: Record<string, unknown>, plural: string | undefined): Record<string, unknown>[] {
  if (plural === undefined) return [json]
  const items: unknown = json[plural]
  return Array.isArray(items) ? items.filter(isObject) : []
}

describe.each(byName(selectable))('%s?fields=', (_name, operation) => {
  const { names, plural } = selectableFields(operation) ?? { names: [] }
  const [one = ''] = names

  it('returns the selected fields, with an ETag of their own', async () => {
    const { token, ...owner } = await ownerFor(operation)
    const { url } = await createResource({ token, ...owner }, operation)
    const whole = await api<Record<string, unknown>>('GET', url, { token })
    const some = await api<Record<string, unknown>>('GET', `${url}?fields=${one}`, { token })
    expect([whole.status, some.status]).toEqual([200, 200])
    const pick = (item: Record<string, unknown>) => (one in item ? { [one]: item[one] } : {})
    expect(itemsOf(some.json, plural)).toEqual(itemsOf(whole.json, plural).map(pick))
    if (plural !== undefined) expect(some.json['pagination']).toEqual(whole.json['pagination'])
    const all = await api('GET', `${url}?fields=${names.join(',')}`, { token })
    expect(all.json).toEqual(whole.json)
    const etag = some.headers.get('etag') ?? ''
    const headers = { 'If-None-Match': etag }
    expect((await api('GET', `${url}?fields=${one}`, { token, headers })).status).toBe(304)
    expect((await api('HEAD', `${url}?fields=${one}`, { token })).headers.get('etag')).toBe(etag)
  })

  it('returns 400 for unknown, repeated and missing fields, with all other errors', async () => {
    const { token, ...owner } = await ownerFor(operation)
    const { url } = await createResource({ token, ...owner }, operation)
    for (const fields of ['nope', `${one},nope`, `${one},${one}`, '', `${one}&fields=${one}`, ` ${one}`, 'toString']) {
      const { status, json } = await api('GET', `${url}?fields=${fields}&nope=1`, { token })
      expect([fields, status, Object.keys(json.error.details).sort()]).toEqual([fields, 400, ['fields', 'nope']])
      expect(json.error.details['fields']).toEqual([`must be a comma-separated list of: ${names.join(', ')}`])
    }
  })
})

describe.each(byName(others.filter(({ path }) => !path.includes('{'))))('%s?fields=', (_name, operation) => {
  it('returns 400 because nothing can be selected', async () => {
    const { token } = await ownerFor(operation)
    const { status, json } = await api(operation.method, `${operation.path}?fields=id`, { token })
    expect([status, json.error.details['fields']]).toEqual([400, ['is not allowed']])
  })
})

describe('?fields=', () => {
  it('goes on with cursors, sort orders and cached responses', async () => {
    const category = `fields ${Date.now()}`
    const ids = []
    for (const stock of [3, 1, 2]) ids.push((await createProduct({ category, stock })).id)
    const query = new URLSearchParams({ category, sort: 'stock', limit: '1', fields: 'id,stock', cursor: '' })
    let url = `/api/products?${query}`
    const found = []
    while (url !== '') {
      const { json, headers } = await api<{ products: object[] }>('GET', url)
      expect((await api('GET', url)).headers.get('x-cache')).toBe('hit')
      found.push(...json.products)
      url = /<([^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1] ?? ''
    }
    expect(found).toEqual([
      { id: ids[1], stock: 1 },
      { id: ids[2], stock: 2 },
      { id: ids[0], stock: 3 },
    ])
  })

  it('selects embedded resources of a user', async () => {
    const { user, token } = await signIn()
    const { json } = await api<object>('GET', `/api/users/${user.id}?include=profile,posts&fields=id,posts`, { token })
    expect(json).toEqual({ id: user.id, posts: [] })
  })
})
