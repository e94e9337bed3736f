import { fuzzServer } from '../support/fuzz-server'
import { type RunningServer, startServer } from '../support/server'

/** `FUZZ_REQUESTS` and `FUZZ_SEED` choose other requests. */
const COUNT = Number(process.env['FUZZ_REQUESTS'] ?? 100_000)
const SEED = Number(process.env['FUZZ_SEED'] ?? 261_124)
const MS_PER_REQUEST = 40

let server: RunningServer

beforeAll(async () => {
  server = await startServer()
}, 90_000)

afterAll(() => server.remove())

it(
  `${COUNT} requests generated from the OpenAPI document get no 5xx and no undocumented response (seed ${SEED})`,
  async () => {
    const { sent, findings } = await fuzzServer(server, { count: COUNT, seed: SEED })
    expect(findings).toEqual([])
    expect(sent).toBe(COUNT)
  },
  60_000 + COUNT * MS_PER_REQUEST,
)
