import { api } from '../../support/api'

describe('GET /api/docs', () => {
  it('returns a page whose Content-Security-Policy forbids inline scripts and other hosts', async () => {
    const { status, headers, text } = await api('GET', '/api/docs')
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'; script-src 'self';")
    expect(policy).not.toMatch(/unsafe-eval|https?:|\*/)
    expect(text).not.toMatch(/https?:\/\//)
    expect(text).not.toMatch(/<script>|\son\w+=/)
  })

  it('returns 405 for another method', async () => {
    const { status, headers } = await api('POST', '/api/docs', { json: {} })
    expect(status).toBe(405)
    expect(headers.get('allow')).toBe('GET, HEAD, OPTIONS')
  })
})
