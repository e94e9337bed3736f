import { api } from '../support/api'

type Collection = { info: { schema: string }; item: { name: string; item: object[] }[] }

describe('GET /api/postman.json', () => {
  it('returns a collection in format 2.1 with a folder for each tag, without credentials', async () => {
    const { status, json } = await api<Collection>('GET', '/api/postman.json')
    expect(status).toBe(200)
    expect(json.info.schema).toBe('https://schema.getpostman.com/json/collection/v2.1.0/collection.json')
    expect(json.item.map(({ name }) => name)).toEqual(expect.arrayContaining(['Authentication', 'Users', 'Families']))
    expect(json.item.filter(({ item }) => item.length === 0)).toEqual([])
  })

  it('contains no secret of this server', async () => {
    const { text } = await api('GET', '/api/postman.json')
    expect(text).not.toContain('secret-of-the-tests')
  })

  it('returns 405 for another method', async () => {
    const { status, json } = await api('DELETE', '/api/postman.json')
    expect(status).toBe(405)
    expect(json.error.code).toBe('METHOD_NOT_ALLOWED')
  })
})
