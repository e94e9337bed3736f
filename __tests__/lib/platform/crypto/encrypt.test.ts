import { config, setConfig } from '@/lib/config'
import { seal, decrypt } from '@/lib/platform/crypto/encrypt'

describe('a sealed secret', () => {
  const original = config()
  afterEach(() => setConfig(original))

  it('is opened again, and looks different every time', () => {
    const sealed = seal('schlüssel')
    expect(decrypt(sealed)).toBe('schlüssel')
    expect(seal('schlüssel')).not.toBe(sealed)
    expect(sealed).not.toContain(Buffer.from('schlüssel').toString('base64url'))
  })

  it('is still opened when another secret has become the first, and no more when its own is gone', () => {
    const sealed = seal('text')
    const rotated = 'a-newer-secret-of-the-tests-of-32-bytes'
    setConfig({ ...original, jwtSecrets: [rotated, ...original.jwtSecrets] })
    expect(decrypt(sealed)).toBe('text')
    setConfig({ ...original, jwtSecrets: [rotated] })
    expect(() => decrypt(sealed)).toThrow('is gone')
  })

  it.each([0, 12, -1])('is refused when its byte %d was changed', (index) => {
    const [id = '', data = ''] = seal('text').split('.')
    const bytes = Buffer.from(data, 'base64url')
    const at = index < 0 ? bytes.length + index : index
    bytes[at] = (bytes[at] ?? 0) ^ 1
    expect(() => decrypt(`${id}.${bytes.toString('base64url')}`)).toThrow('authenticate')
  })
})
