import { settings, useSettings } from '@/lib/config'
import { seal, unseal } from '@/lib/seal'

describe('a sealed secret', () => {
  const original = settings()
  afterEach(() => useSettings(original))

  it('is opened again, and looks different every time', () => {
    const sealed = seal('schlüssel')
    expect(unseal(sealed)).toBe('schlüssel')
    expect(seal('schlüssel')).not.toBe(sealed)
    expect(sealed).not.toContain(Buffer.from('schlüssel').toString('base64url'))
  })

  it('is still opened when another secret has become the first, and no more when its own is gone', () => {
    const sealed = seal('text')
    const rotated = 'a-newer-secret-of-the-tests-of-32-bytes'
    useSettings({ ...original, jwtSecrets: [rotated, ...original.jwtSecrets] })
    expect(unseal(sealed)).toBe('text')
    useSettings({ ...original, jwtSecrets: [rotated] })
    expect(() => unseal(sealed)).toThrow('is gone')
  })

  it.each([0, 12, -1])('is refused when its byte %d was changed', (index) => {
    const [id = '', data = ''] = seal('text').split('.')
    const bytes = Buffer.from(data, 'base64url')
    const at = index < 0 ? bytes.length + index : index
    bytes[at] = (bytes[at] ?? 0) ^ 1
    expect(() => unseal(`${id}.${bytes.toString('base64url')}`)).toThrow('authenticate')
  })
})
