import fc from 'fast-check'
import { normalizePath } from '@/lib/domains/files/path'

const refused = [
  ...['', '.', '..', 'a/..', '../a', 'a/../b', 'a//b', '/a', 'a/', './a', 'a/.'],
  ...['..\\a', 'a\\b', '\\', 'C:', 'C:\\x', 'c:x', 'a\0b', 'a\nb', 'a\x7fb', 'a\u0085b', 'a\u2028b', '\ud800'],
  ...['%2e', '%2E%2e', '.%2e', '%252e%252e', '%25252e.', 'a%2fb', 'a%5cb', 'a%00', '%252f', '%43:', 'a%0ab'],
  ...['a'.repeat(256), 'é'.repeat(128), 'a/'.repeat(512) + 'a', 'x'.repeat(5000)],
]

const allowed = [
  'a',
  '...',
  '.env',
  'a.b/c',
  'a b',
  '100%',
  '%zz',
  '%c0%ae',
  'naïve',
  '日本',
  '👩‍👩‍👧',
  'a'.repeat(255),
  '~',
  'ab:c',
]

describe('a file path', () => {
  it.each(refused)('is rejected: %j', (path) => {
    expect(normalizePath(path.split('/'))).toEqual({ fault: expect.any(String) })
  })

  it.each(allowed)('is accepted: %j', (path) => {
    expect(normalizePath(path.split('/'))).toEqual({ path })
  })

  it('never contains a segment that leads to another folder, however often it is encoded', () => {
    const piece = fc.oneof(
      fc.constantFrom('.', '..', '/', '\\', '%', '2e', '2f', '5c', '25', '00', 'c:', 'a', '\0', '\r'),
      fc.string({ unit: 'binary', maxLength: 4 }),
    )
    const path = fc.tuple(fc.array(piece, { maxLength: 12 }), fc.nat({ max: 3 })).map(([pieces, times]) => {
      let text = pieces.join('')
      for (let time = 0; time < times && text.isWellFormed(); time += 1) text = encodeURIComponent(text)
      return text
    })
    fc.assert(
      fc.property(path, (text) => {
        const result = normalizePath(text.split('/'))
        if ('fault' in result) return
        let decoded = result.path
        for (let time = 0; time < 8; time += 1) {
          expect(decoded.split('/')).not.toContain('..')
          expect(decoded.split('/')).not.toContain('.')
          expect(decoded).not.toMatch(/[\\\p{Cc}]|^\/|\/\/|(^|\/)[a-z]:/iu)
          decoded = decoded.replace(/%([0-7][0-9a-f])/gi, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)))
        }
        expect(decoded.split('/')).toHaveLength(result.path.split('/').length)
        expect(normalizePath(result.path.split('/'))).toEqual(result)
      }),
      { numRuns: 3_000 },
    )
  })
})
