import { api } from '../support/api'

type Document = { openapi: string; paths: Record<string, unknown> }
type Greeting = { documents: { openapi: string } }

describe('GET /api/openapi.json', () => {
  it('returns the OpenAPI 3.1 document without credentials', async () => {
    const { status, headers, json } = await api<Document>('GET', '/api/openapi.json')
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(json.openapi).toMatch(/^3\.1\./)
    expect(json.paths).toHaveProperty('/api/users/{id}')
  })

  it('returns 304 for a matching ETag', async () => {
    const { headers } = await api('GET', '/api/openapi.json')
    const again = await api('GET', '/api/openapi.json', { headers: { 'If-None-Match': headers.get('etag') ?? '' } })
    expect([again.status, again.text]).toEqual([304, ''])
  })

  it('is linked from GET /api', async () => {
    const { json } = await api<Greeting>('GET', '/api')
    expect(json.documents.openapi).toBe('/api/openapi.json')
  })

  it('returns 405 for another method', async () => {
    const { status, headers, json } = await api('POST', '/api/openapi.json', { json: {} })
    expect(status).toBe(405)
    expect(headers.get('allow')).toBe('GET, HEAD, OPTIONS')
    expect(json.error.code).toBe('METHOD_NOT_ALLOWED')
  })
})
