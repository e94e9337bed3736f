import packageJson from '@/package.json'
import { api } from '../support/api'

describe('GET /api', () => {
  it('returns name, version and links that lead to documents', async () => {
    const { status, json } = await api<{ documents: Record<string, string> }>('GET', '/api')
    expect(status).toBe(200)
    expect(json).toMatchObject({ name: 'Hearth', version: packageJson.version })
    for (const url of Object.values(json.documents)) expect((await api('GET', url)).status).toBe(200)
  })
})
