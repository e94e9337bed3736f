import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Actor } from '@/lib/platform/identity/actor'
import { AppError, isAppError } from '@/lib/errors'
import { refund, consume, isLimited, resetCount, type LimitName } from '@/lib/platform/rate-limiter'
import type { Context, Handler } from './context'
import { setLimitHeaders } from './rate-limit-headers'

/**
 * Returns the rate-limit key for an address: the IPv4 address itself, or the /64 prefix of an IPv6 address, since a single
 * host may use any number of addresses in its prefix (RFC 4291, section 2.5.1).
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [unzoned = ''] = address.split('%')
  const host = `http://[${unzoned}]`
  if (!URL.canParse(host)) return address
  // The URL parser normalises every spelling of an address (RFC 5952).
  const [head = '', tail] = new URL(host).hostname.slice(1, -1).split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(8 - before.length - after.length).fill('0')
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`
}

/**
 * Counts a request and sets the rate-limit headers.
 * @throws RATE_LIMITED with `Retry-After` when the limit is exceeded
 */
async function consumeOrThrow(res: ServerResponse, name: LimitName, key: string): Promise<void> {
  const state = await consume(name, key)
  if (state === undefined) return
  setLimitHeaders(res, name, state)
  if (!state.allowed) {
    throw new AppError('RATE_LIMITED', { headers: { 'Retry-After': String(state.resetSeconds) } })
  }
}

function keyOfCaller(actor: Actor | undefined, ip: string): string {
  if (actor === undefined) return `address:${networkOf(ip)}`
  return actor.credential === 'apiKey' ? `key:${actor.apiKeyId}` : `user:${actor.userId}`
}

/**
 * Applies the general limit per API key, else per user, else per address. The caller is authenticated first, so that
 * users behind one address do not use up each other's limit. Invalid credentials count for the address; they are
 * rejected later, where the route requires authentication.
 */
export async function limitRequest(req: IncomingMessage, res: ServerResponse, context: Context): Promise<void> {
  if (!isLimited('general')) return
  const hasCredentials = req.headers.authorization !== undefined
  const actor = hasCredentials ? await context.authenticate().catch(() => undefined) : undefined
  await consumeOrThrow(res, 'general', keyOfCaller(actor, context.ip))
}

/**
 * Applies the strict limit per address and purpose, to operations of anonymous clients that are expensive or send email.
 * Every attempt counts, whether or not it succeeds.
 */
export function withStrictRateLimit<C extends Context>(purpose: string, next: Handler<C>): Handler<C> {
  return async (req, res, context) => {
    await consumeOrThrow(res, 'strict', `${purpose}:${networkOf(context.ip)}`)
    return next(req, res, context)
  }
}

/**
 * Rate-limits password attempts per account and address, so an attacker elsewhere cannot lock the owner out. The attempt
 * is counted before it runs (parallel guesses cannot slip through), reset on success, and refunded if it fails for any
 * reason other than a wrong password.
 */
export async function withLoginRateLimit<T>(
  res: ServerResponse,
  client: { account: string; ip: string },
  attempt: () => Promise<T>,
): Promise<T> {
  // Hashed, so that neither Redis nor its backups contain email addresses.
  const key = createHash('sha256')
    .update(`${networkOf(client.ip)}\0${client.account}`)
    .digest('base64url')
  await consumeOrThrow(res, 'loginAttempts', key)
  try {
    const result = await attempt()
    await resetCount('loginAttempts', key)
    return result
  } catch (error) {
    if (!isAppError(error) || error.code !== 'INVALID_CREDENTIALS') await refund('loginAttempts', key)
    throw error
  }
}
