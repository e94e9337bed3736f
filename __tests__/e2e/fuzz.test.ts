import { fuzzServer } from '../support/fuzz-server'
import { type RunningServer, startServer } from '../support/server'

let server: RunningServer

beforeAll(async () => {
  server = await startServer()
}, 90_000)

afterAll(() => server.remove())

describe('requests generated from the OpenAPI document', () => {
  it('get no 5xx and only responses that the document describes', async () => {
    const { sent, byStatus, findings } = await fuzzServer(server, { count: 2_000, seed: 20_261_124 })
    expect(findings).toEqual([])
    expect(sent).toBe(2_000)
    // The requests must reach the handlers, not only fail validation.
    expect(byStatus['200']).toBeGreaterThan(50)
    expect(byStatus['201']).toBeGreaterThan(0)
  }, 120_000)
})
