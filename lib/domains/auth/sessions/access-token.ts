import jwt from 'jsonwebtoken'
import { config } from '@/lib/config'
import { currentKey, findKey } from '@/lib/platform/crypto/keyring'
import type { AuthenticationMethod } from './schema'

const ISSUER = 'hearth'
const AUDIENCE = 'hearth-api'
const ALGORITHM = 'HS256'

/** The claims of an access token by which it is accepted. */
export type AccessClaims = { userId: number; sessionId: string }

/** How (RFC 8176) and when the user proved their identity, for services that verify tokens themselves. */
export type Authentication = { amr: readonly AuthenticationMethod[]; authenticatedAt: Date }

/** Creates an access token: a JWT (RFC 7519) that is valid for `ACCESS_TOKEN_TTL_SECONDS`. */
export function signAccessToken(claims: AccessClaims, { amr, authenticatedAt }: Authentication): string {
  const { id: keyid, key } = currentKey('access-token')
  const authTime = Math.floor(authenticatedAt.getTime() / 1000)
  return jwt.sign({ sid: claims.sessionId, amr, auth_time: authTime }, key, {
    algorithm: ALGORITHM,
    keyid,
    issuer: ISSUER,
    audience: AUDIENCE,
    subject: String(claims.userId),
    expiresIn: config().accessTokenTtlSeconds,
  })
}

/** Returns the claims of a valid access token, otherwise undefined. */
export function verifyAccessToken(token: string): AccessClaims | undefined {
  try {
    const header = jwt.decode(token, { complete: true })?.header
    const key = findKey('access-token', header?.kid)
    // The library ignores critical extensions, which must be understood (RFC 7515, section 4.1.11).
    if (key === undefined || header?.crit !== undefined) return undefined
    const payload = jwt.verify(token, key, { algorithms: [ALGORITHM], issuer: ISSUER, audience: AUDIENCE })
    if (typeof payload === 'string') return undefined
    const { sub = '', sid, exp } = payload
    if (exp === undefined || !/^[1-9]\d*$/.test(sub)) return undefined
    return typeof sid === 'string' ? { userId: Number(sub), sessionId: sid } : undefined
  } catch {
    return undefined
  }
}
