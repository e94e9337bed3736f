import { api } from '../../support/api'

describe('GET /api/docs/:asset', () => {
  it('returns every file that the page refers to', async () => {
    const page = await api('GET', '/api/docs')
    const urls = Array.from(page.text.matchAll(/(?:src|href)="([^"]+)"/g), ([, url]) => url ?? '')
    expect(urls).toHaveLength(4)
    for (const url of urls) {
      const { status, headers, text } = await api('GET', url)
      expect(status).toBe(200)
      expect(headers.get('etag')).toMatch(/^"[\w-]+"$/)
      expect(text.length).toBeGreaterThan(100)
    }
  })

  it.each(['package.json', 'swagger-ui.js', '..%2Fpackage.json', '..%2F..%2F.env', 'constructor', '__proto__'])(
    'returns 404 for %s',
    async (name) => {
      const { status, json } = await api('GET', `/api/docs/${name}`)
      expect(status).toBe(404)
      expect(json.error.code).toBe('NOT_FOUND')
    },
  )
})
