import { METHODS } from '@/lib/platform/operation'
import { api } from '../support/api'
import { fill, operations } from './operations'

const paths = [...new Set(operations.map(({ path }) => path))]

describe.each(paths)('%s', (path) => {
  const declared: string[] = operations.filter((operation) => operation.path === path).map(({ method }) => method)
  const allow = [...declared, ...(declared.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].sort()
  const allowOf = ({ headers }: { headers: Headers }) => (headers.get('allow') ?? '').split(', ').sort()
  const url = fill(path, {})

  it('returns 405 with its own methods in Allow, also to anonymous and invalid callers', async () => {
    for (const method of [...METHODS.filter((name) => !declared.includes(name)), 'PURGE']) {
      for (const token of [undefined, 'invalid']) {
        const response = await api(method, url, { token })
        expect([method, response.status, response.json.error.code]).toEqual([method, 405, 'METHOD_NOT_ALLOWED'])
        expect(allowOf(response)).toEqual(allow)
      }
    }
  })

  it('returns 204 with the same Allow for OPTIONS', async () => {
    const response = await api('OPTIONS', url)
    expect([response.status, response.text]).toEqual([204, ''])
    expect(allowOf(response)).toEqual(allow)
  })
})
