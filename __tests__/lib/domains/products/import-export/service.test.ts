import { importProducts } from '@/lib/domains/products/import-export/service'
import { signIn } from '../../../../support/factories'
import type { ProductMediaType } from '@/lib/domains/products/schema'

const LINES = 5_000

const client = { ip: '127.0.0.1', userAgent: 'tests', requestId: 'import' }

async function importFrom(source: AsyncIterable<Buffer>, mediaType: ProductMediaType) {
  const { user, sessionId } = await signIn({ role: 'admin' })
  const actor = { credential: 'session', userId: user.id, role: 'admin', sessionId } as const
  return importProducts(actor, { source, mediaType }, client)
}

async function* stream(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text)
}

/** Returns the number of event loop turns until a promise settles. */
async function turnsUntil(promise: Promise<unknown>): Promise<number> {
  let turns = 0
  let next: NodeJS.Immediate
  const turn = () => {
    turns += 1
    next = setImmediate(turn)
  }
  next = setImmediate(turn)
  await promise.finally(() => clearImmediate(next))
  return turns
}

afterEach(() => jest.restoreAllMocks())

describe('importProducts', () => {
  it.each<[string, ProductMediaType, string, number]>([
    ['invalid products', 'application/x-ndjson', '{}\n', LINES],
    ['malformed lines', 'application/x-ndjson', '{\n', LINES],
    ['empty lines', 'application/x-ndjson', '\n', 0],
    ['unbalanced quotes', 'text/csv', 'a"b,c,1\n', LINES],
    ['lines after an unclosed quote', 'text/csv', ',,\n', LINES + 1],
  ])('yields to other work during a file of %s', async (_what, mediaType, line, failed) => {
    // Each reading of the clock advances it by a millisecond, so that the test does not depend on the machine.
    let time = 0
    jest.spyOn(performance, 'now').mockImplementation(() => (time += 1))
    const start = mediaType === 'text/csv' ? `sku,name,priceCents\n${line === ',,\n' ? '"\n' : ''}` : ''
    const importing = importFrom(stream(start + line.repeat(LINES)), mediaType)
    expect(await turnsUntil(importing)).toBeGreaterThan(LINES / 10)
    const { errors, ...counts } = await importing
    expect(counts).toEqual({ created: 0, updated: 0, failed })
    expect(errors).toHaveLength(Math.min(failed, 100))
  })

  it('reports the first 100 lines in order, also when a later line is rejected first', async () => {
    const header = 'sku,name,priceCents\n'
    const body = Buffer.concat([
      Buffer.from(`${header}"open\n`),
      Buffer.from([0xff, 0x0a]),
      Buffer.from('x\n'.repeat(200)),
    ])
    async function* source() {
      yield body
    }
    const { failed, errors } = await importFrom(source(), 'text/csv')
    expect(failed).toBe(202)
    expect(errors.map(({ line }) => line)).toEqual(Array.from({ length: 100 }, (_, index) => index + 2))
  })
})
