import { config, setConfig } from '@/lib/config'
import { decrypt, encrypt } from '@/lib/platform/crypto/encrypt'

describe('encrypt', () => {
  const original = config()
  afterEach(() => setConfig(original))

  it('is undone by decrypt and returns another ciphertext each time', () => {
    const encrypted = encrypt('queued-token', 'schlüssel')
    expect(decrypt('queued-token', encrypted)).toBe('schlüssel')
    expect(encrypt('queued-token', 'schlüssel')).not.toBe(encrypted)
    expect(encrypted).not.toContain(Buffer.from('schlüssel').toString('base64url'))
  })

  it('stays decryptable after a rotation until its secret is dropped', () => {
    const encrypted = encrypt('queued-token', 'text')
    const rotated = 'a-newer-secret-of-the-tests-of-32-bytes'
    setConfig({ ...original, jwtSecrets: [rotated, ...original.jwtSecrets] })
    expect(decrypt('queued-token', encrypted)).toBe('text')
    setConfig({ ...original, jwtSecrets: [rotated] })
    expect(() => decrypt('queued-token', encrypted)).toThrow('no longer in JWT_SECRET')
  })

  it.each([0, 12, -1])('rejects a ciphertext whose byte %d was changed', (index) => {
    const [id = '', data = ''] = encrypt('queued-token', 'text').split('.')
    const bytes = Buffer.from(data, 'base64url')
    const at = index < 0 ? bytes.length + index : index
    bytes[at] = (bytes[at] ?? 0) ^ 1
    expect(() => decrypt('queued-token', `${id}.${bytes.toString('base64url')}`)).toThrow('authenticate')
  })

  it('rejects a ciphertext of another purpose', () => {
    const encrypted = encrypt('queued-token', 'text')
    expect(() => decrypt('idempotent-response', encrypted)).toThrow('no longer in JWT_SECRET')
    const [, data] = encrypted.split('.')
    const [otherId] = encrypt('idempotent-response', 'text').split('.')
    expect(() => decrypt('idempotent-response', `${otherId}.${data}`)).toThrow('authenticate')
  })
})
