import { createSecretKey, type KeyObject } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { keyId, config } from '@/lib/config'

const ISSUER = 'hearth'
const AUDIENCE = 'hearth-api'
const ALGORITHM = 'HS256'

type KeyRing = {
  secrets: readonly string[]
  signing: { kid: string; key: KeyObject } | undefined
  keys: Map<string, KeyObject>
}
let ring: KeyRing | undefined

function keyRing(): KeyRing {
  const secrets = config().jwtSecrets
  if (ring === undefined || ring.secrets !== secrets) {
    const keys = new Map(secrets.map((secret) => [keyId(secret), createSecretKey(Buffer.from(secret))]))
    const [first] = keys
    ring = { secrets, keys, signing: first && { kid: first[0], key: first[1] } }
  }
  return ring
}

/** What an access token says. */
export type AccessClaims = { userId: number; sessionId: string }

/** An access JWT (RFC 7519): HS256, named key, our issuer and audience, living for `ACCESS_TOKEN_TTL_SECONDS`. */
export function signAccessToken(claims: AccessClaims): string {
  const { signing } = keyRing()
  if (signing === undefined) throw new Error('JWT_SECRET is not set')
  return jwt.sign({ sid: claims.sessionId }, signing.key, {
    algorithm: ALGORITHM,
    keyid: signing.kid,
    issuer: ISSUER,
    audience: AUDIENCE,
    subject: String(claims.userId),
    expiresIn: config().accessTokenTtlSeconds,
  })
}

/** The claims of an access token, or undefined for anything that is not a valid one of ours. */
export function verifyAccessToken(token: string): AccessClaims | undefined {
  try {
    const kid = jwt.decode(token, { complete: true })?.header.kid
    const key = kid === undefined ? undefined : keyRing().keys.get(kid)
    if (key === undefined) return undefined
    const payload = jwt.verify(token, key, { algorithms: [ALGORITHM], issuer: ISSUER, audience: AUDIENCE })
    if (typeof payload === 'string') return undefined
    const { sub, sid } = payload
    const userId = Number(sub)
    return Number.isInteger(userId) && typeof sid === 'string' ? { userId, sessionId: sid } : undefined
  } catch {
    return undefined
  }
}
