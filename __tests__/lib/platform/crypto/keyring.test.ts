import { createHmac, hkdfSync } from 'node:crypto'
import { config, setConfig } from '@/lib/config'
import { currentKey, findKey, sign, verify } from '@/lib/platform/crypto/keyring'

describe('the keyring', () => {
  const original = config()
  afterEach(() => setConfig(original))

  it('derives a key per purpose with HKDF-SHA-256', () => {
    const expected = Buffer.from(hkdfSync('sha256', original.jwtSecrets[0] ?? '', '', 'hearth cursor', 32))
    expect(currentKey('cursor').key.export()).toEqual(expected)
    expect(sign('cursor', 'message')).toEqual(createHmac('sha256', expected).update('message').digest())
    expect(sign('file-link', 'message')).not.toEqual(sign('cursor', 'message'))
    expect(currentKey('file-link').id).not.toBe(currentKey('cursor').id)
    expect(findKey('file-link', currentKey('cursor').id)).toBeUndefined()
  })

  it('verifies with every secret and signs with the first', () => {
    const signature = sign('cursor', 'message')
    setConfig({ ...original, jwtSecrets: ['a-newer-secret-of-the-tests-of-32-bytes', ...original.jwtSecrets] })
    expect(sign('cursor', 'message')).not.toEqual(signature)
    expect(verify('cursor', 'message', signature)).toBe(true)
    setConfig({ ...original, jwtSecrets: ['a-newer-secret-of-the-tests-of-32-bytes'] })
    expect(verify('cursor', 'message', signature)).toBe(false)
  })

  it('rejects signatures of another purpose, message or length', () => {
    const signature = sign('cursor', 'message')
    expect(verify('file-link', 'message', signature)).toBe(false)
    expect(verify('cursor', 'another', signature)).toBe(false)
    expect(verify('cursor', 'message', signature.subarray(0, 12))).toBe(false)
    expect(verify('cursor', 'message', Buffer.alloc(0))).toBe(false)
    expect(verify('cursor', 'message', signature.subarray(0, 12), 12)).toBe(true)
  })

  it('throws without a secret', () => {
    setConfig({ ...original, jwtSecrets: [] })
    expect(() => sign('cursor', 'message')).toThrow('JWT_SECRET is not set')
  })
})
