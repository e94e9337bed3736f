import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { config } from '@/lib/config'
import { currentKey } from '@/lib/platform/crypto/keyring'
import { prisma } from '@/lib/platform/db/prisma'
import { createApiKey, createSession, createUser, signIn } from '../support/factories'
import { api } from '../support/api'

type Parts = { header?: object; claims?: object; secret?: string }

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Returns a JWT that is valid except for the given parts. */
function forge(good: { userId: number; sessionId: string }, { header, claims, secret }: Parts = {}): string {
  const { id: kid, key } = currentKey('access-token')
  const now = Math.floor(Date.now() / 1000)
  const known = { sub: String(good.userId), sid: good.sessionId, iss: 'hearth', aud: 'hearth-api' }
  const payload = encode({ ...known, iat: now, exp: now + 600, ...claims })
  const signed = `${encode({ alg: 'HS256', typ: 'JWT', kid, ...header })}.${payload}`
  return `${signed}.${createHmac('sha256', secret ?? key)
    .update(signed)
    .digest('base64url')}`
}

/** Returns a JWT that is signed with the same secret and another hash function. */
function forgeWithHash(good: { userId: number; sessionId: string }, hash: 'sha384' | 'sha512'): string {
  const [head, payload] = forge(good, { header: { alg: hash === 'sha384' ? 'HS384' : 'HS512' } }).split('.')
  return `${head}.${payload}.${createHmac(hash, currentKey('access-token').key).update(`${head}.${payload}`).digest('base64url')}`
}

function forgeWithRsa(good: { userId: number; sessionId: string }): string {
  const [head, payload] = forge(good, { header: { alg: 'RS256' } }).split('.')
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return `${head}.${payload}.${sign('sha256', Buffer.from(`${head}.${payload}`), privateKey).toString('base64url')}`
}

/** Returns a valid token from `forge`: it shows that the others are rejected for their differences. */
export async function goodToken(): Promise<string> {
  const { user, sessionId } = await signIn()
  return forge({ userId: user.id, sessionId })
}

/** Returns bearer tokens that are invalid, each for one reason. */
export async function invalidTokens(): Promise<Record<string, string>> {
  const { user, sessionId, refreshToken } = await signIn()
  const good = { userId: user.id, sessionId }
  const unsigned = forge(good, { header: { alg: 'none' } })
    .split('.')
    .slice(0, 2)
    .join('.')
  const past = Math.floor(Date.now() / 1000) - 1

  const deleted = await signIn()
  const keyOfDeleted = await createApiKey(deleted.user, ['users:read'])
  await prisma().user.delete({ where: { id: deleted.user.id } })

  const ended = await createSession(user)
  await api('POST', '/api/auth/logout', { token: ended.token })

  const expiredSession = await createSession(user)
  await prisma().session.update({ where: { id: expiredSession.sessionId }, data: { expiresAt: new Date() } })

  const expiredKey = await createApiKey(user, ['users:read'], { expiresAt: new Date() })
  const deletedKey = await createApiKey(user, ['users:read'])
  const { token } = await createSession(user)
  await api('DELETE', `/api/api-keys/${deletedKey.id}`, { token })

  return {
    'an expired token': forge(good, { claims: { exp: past } }),
    'a token without an expiry': forge(good, { claims: { exp: undefined } }),
    'a token with an unusual spelling of the subject': forge(good, { claims: { sub: ` ${user.id}.0 ` } }),
    'a token with a critical extension': forge(good, { header: { crit: ['b64'] } }),
    'a token that is not valid yet': forge(good, { claims: { nbf: past + 600 } }),
    'a token of a deleted user': deleted.token,
    'a token of a revoked session': ended.token,
    'a token of an expired session': expiredSession.token,
    'a token of an unknown session': forge({ ...good, sessionId: randomUUID() }),
    'a token of another user’s session': forge({ ...good, userId: (await createUser()).id }),
    'a token without a session': forge(good, { claims: { sid: undefined } }),
    'a token signed with HS384': forgeWithHash(good, 'sha384'),
    'a token signed with HS512': forgeWithHash(good, 'sha512'),
    'a token signed with RS256': forgeWithRsa(good),
    'a token with alg none and a signature': forge(good, { header: { alg: 'none' } }),
    'a token with alg none and an empty signature': `${unsigned}.`,
    'a token with alg nOnE and no signature': forge(good, { header: { alg: 'nOnE' } })
      .split('.')
      .slice(0, 2)
      .join('.'),
    'a token of another issuer': forge(good, { claims: { iss: 'hearth.example' } }),
    'a token for another audience': forge(good, { claims: { aud: 'another-api' } }),
    'a token with an unknown key id': forge(good, { header: { kid: 'AAAAAAAA' } }),
    'a token without a key id': forge(good, { header: { kid: undefined } }),
    'a token signed with another secret under a known key id': forge(good, {
      secret: 'another secret of more than 32 bytes',
    }),
    'a token signed with JWT_SECRET instead of the derived key': forge(good, { secret: config().jwtSecrets[0] ?? '' }),
    'a refresh token': refreshToken,
    'an expired API key': expiredKey.key,
    'a deleted API key': deletedKey.key,
    'an API key of a deleted user': keyOfDeleted.key,
    'an unknown API key': `hk_${'A'.repeat(43)}`,
  }
}
