import { Agent, request } from 'node:http'
import { startServer } from '../support/server'

jest.setTimeout(120_000)

const CONNECTIONS = 100

/** One client that asks over one kept connection until it is told to go away; what became of each request. */
async function askUntilToldToGo(url: string, agent: Agent): Promise<{ answered: number; cut: number; told: boolean }> {
  let answered = 0
  for (;;) {
    const outcome = await new Promise<'kept' | 'told' | 'cut'>((resolve) => {
      const asked = request(url, { agent }, (answer) => {
        answer.resume()
        answer.on('end', () => resolve(answer.headers.connection === 'close' ? 'told' : 'kept'))
        answer.on('error', () => resolve('cut'))
      })
      asked.on('error', () => resolve('cut'))
      asked.end()
    })
    if (outcome === 'cut') return { answered, cut: 1, told: false }
    answered += 1
    if (outcome === 'told') return { answered, cut: 0, told: true }
  }
}

describe('a stop under load', () => {
  it('cuts nobody off and refuses nobody who was not told to go away', async () => {
    const server = await startServer({ RATE_LIMIT_REQUESTS: '0' })
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
    const clients = Array.from({ length: CONNECTIONS }, () => askUntilToldToGo(`${server.url}/api/hello`, agent))
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    const startedAt = performance.now()
    const [code, ...outcomes] = await Promise.all([server.stop(), ...clients])
    const tookMs = performance.now() - startedAt
    agent.destroy()
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(12_000)
    expect(outcomes.filter((outcome) => outcome.cut > 0)).toEqual([])
    expect(outcomes.every((outcome) => outcome.told)).toBe(true)
    expect(outcomes.reduce((sum, outcome) => sum + outcome.answered, 0)).toBeGreaterThan(10_000)
    await server.remove()
  })

  it('is not ready any more, and still answers, before it refuses', async () => {
    const server = await startServer({ RATE_LIMIT_REQUESTS: '0' })
    const stopped = server.stop()
    await new Promise((resolve) => setTimeout(resolve, 300))
    const ready = await fetch(`${server.url}/api/ready`)
    expect(ready.status).toBe(503)
    expect((await fetch(`${server.url}/api/health`)).status).toBe(200)
    expect(await stopped).toBe(0)
    await server.remove()
  })
})
