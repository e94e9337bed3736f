import { readCsv, readNdjson, type ImportRecord } from '@/lib/domains/products/import-export/import-parser'

const MEBIBYTE = 2 ** 20
const HEADER = 'sku,name,priceCents\n'
const GOOD = 'S-1,Chair,5\n'
const good = { sku: 'S-1', name: 'Chair', priceCents: 5 }

/** Returns a stream of strings, each repeated a number of times. */
async function* stream(...parts: (string | [text: string, times: number])[]): AsyncGenerator<Buffer> {
  for (const part of parts) {
    const [text, times] = typeof part === 'string' ? [part, 1] : part
    const chunk = Buffer.from(text)
    for (let count = 0; count < times; count += 1) yield chunk
  }
}

/** Returns the values, the numbers of invalid lines, and the largest growth of memory in bytes. */
async function read(records: AsyncIterable<ImportRecord>) {
  const used = () => process.memoryUsage().heapUsed + process.memoryUsage().external
  const before = used()
  let most = before
  const values: unknown[] = []
  const bad: number[] = []
  for await (const record of records) {
    if (record.details === undefined) values.push(record.value)
    else bad.push(record.line)
    if (record.line % 4_096 === 0) most = Math.max(most, used())
  }
  return { values, bad, grownBytes: Math.max(most, used()) - before }
}

describe('the records of an import', () => {
  it('skip a line of half a gigabyte without buffering it and continue with the next line', async () => {
    const long: [string, number] = ['x'.repeat(MEBIBYTE), 512]
    const ndjson = await read(readNdjson(stream(long, '\n', JSON.stringify(good))))
    expect([ndjson.values, ndjson.bad]).toEqual([[good], [1]])
    const csv = await read(readCsv(stream(HEADER, long, '\n', GOOD)))
    expect([csv.values, csv.bad]).toEqual([[good], [2]])
    const quoted = await read(readCsv(stream(HEADER, '"', long, '"\n', GOOD)))
    expect([quoted.values, quoted.bad]).toEqual([[good], [2]])
    for (const { grownBytes } of [ndjson, csv, quoted]) expect(grownBytes).toBeLessThan(64 * MEBIBYTE)
  })

  it.each([
    ['empty lines', '\n'.repeat(65_536), false],
    ['short lines', 'a\n'.repeat(32_768), true],
    ['lines of quotes', '""\n'.repeat(4_000), true],
  ])('continue with the next line after an unclosed quote and many %s', async (_what, text, isBad) => {
    const { values, bad, grownBytes } = await read(readCsv(stream(HEADER, 'S-0,"\n', [text, 3], GOOD)))
    expect(values).toEqual([good])
    expect(bad[0]).toBe(2)
    expect(bad.length > 1).toBe(isBad)
    expect(grownBytes).toBeLessThan(256 * MEBIBYTE)
  })

  it('of a CSV do not depend on the chunks', async () => {
    const text = `\u{FEFF}${HEADER.replace('\n', '\r\n')}\r\n"S-1","Ch""air,\r\nred ✓",5\r\n\n"S-2",'=x,6`
    const expected = [
      { sku: 'S-1', name: 'Ch"air,\r\nred ✓', priceCents: 5 },
      { sku: 'S-2', name: '=x', priceCents: 6 },
    ]
    const bytes = Buffer.from(text)
    for (const size of [1, 2, 3, 7, bytes.length]) {
      async function* parts() {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
      }
      const { values, bad } = await read(readCsv(parts()))
      expect([size, values, bad]).toEqual([size, expected, []])
    }
  })
})
