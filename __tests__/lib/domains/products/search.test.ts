import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { listProducts } from '@/lib/domains/products/service'
import { createProduct } from '../../../support/factories'

const CATEGORY = randomUUID()

/** Returns the SKUs of the found products of these tests. */
async function search(q: string): Promise<string[]> {
  const { items } = await listProducts({ q, category: CATEGORY, limit: 100 })
  return items.map(({ sku }) => sku)
}

const make = async (name: string, description = '') =>
  (await createProduct({ sku: `S${randomUUID().replaceAll('-', '')}`, name, description, category: CATEGORY })).sku

describe('the word search of products', () => {
  it.each([
    ['CHAIR-12/b', ['chair', '12', 'b', 'CHAIR-12/b', 'b chair', '12/b']],
    ['a.b@example.test', ['example', 'a.b', 'test a']],
    ['http://shop.test/x?y=1', ['shop', 'x', 'y=1', 'http://shop.test/x']],
    ["O'Reilly \\ <b>bold</b> 50%", ["o'reilly", 'reilly', '\\ bold', '50%', '<b>']],
    ['3.14 -7 1e5 0x1F', ['3.14', '14', '7', '-7', '1e5', '0x1f']],
    ['東京タワー 椅子', ['東京', '東京タワー', '椅子']],
    ['Übergröße Ångström', ['über', 'ÜBERGRÖSSE'.toLowerCase().slice(0, 5), 'ångström']],
    ['line one\r\nline\ttwo', ['one two', 'line\u00a0two']],
    [
      '“Oak” table—round, O’Neill’s «birch»',
      ['oak', '“oak”', 'table', 'round', 'neill', 'O’Neill', 'birch', 'table round'],
    ],
    ['One\u00a0two\u3000three、four（five）', ['two', 'three', 'four', 'five']],
    ['Lamp 💡bright→dim €5', ['bright', 'dim', '5']],
    [`${'x'.repeat(150)} long`, ['xxx', 'x'.repeat(95), 'long']],
  ])('finds %j by each of %j', async (name, queries) => {
    const sku = await make(name)
    for (const q of queries) expect([q, await search(q)]).toEqual([q, expect.arrayContaining([sku])])
  })

  it.each(['!!!', "'", '\\', "\\'", ':*', '&', '|', '!', '<->', '(', ')', '%', '_', '😀', '\u{10FFFF}', '\u200b'])(
    'finds nothing for %j, which contains no word',
    async (q) => {
      await make('Chair')
      expect(await search(q)).toEqual([])
    },
  )

  it.each(['chair & table', 'chair | nothing', '!chair', "chair' | 'x", 'chair:*B', 'chair <-> oak', '(chair'])(
    'treats %j as words, not as query syntax',
    async (q) => {
      const sku = await make('An oak table and a chair', 'x b')
      const words = q.split(/\W+/).filter((word) => word !== '')
      expect((await search(q)).includes(sku)).toBe(!words.includes('nothing'))
    },
  )

  it('finds every product by the prefix of every word with any letters and digits', async () => {
    const letter = fc.constantFrom('a', 'B', 'é', 'ß', 'Ж', '中', '1', '0', 'e', 'x')
    const word = fc.string({ unit: letter, minLength: 1, maxLength: 6 })
    const property = fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 3 }), fc.nat(5), async (words, end) => {
      const sku = await make(words.join('-'))
      for (const one of words)
        expect([one, await search(one.slice(0, end + 1))]).toEqual([one, expect.arrayContaining([sku])])
    })
    await fc.assert(property, { numRuns: 60 })
  })
})
