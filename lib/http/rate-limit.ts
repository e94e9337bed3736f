import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Actor } from '@/lib/platform/identity/actor'
import { AppError, isAppError } from '@/lib/errors'
import { refund, consume, isLimited, resetCount, type LimitName, type LimitState } from '@/lib/platform/rate-limiter'
import type { Context, Handler } from './context'

/**
 * What one client can be told by: an IPv4 address, or the /64 network of an IPv6 address, since a single host may have
 * any number of addresses in its own (RFC 4291, section 2.5.1).
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [unzoned = ''] = address.split('%')
  const host = `http://[${unzoned}]`
  if (!URL.canParse(host)) return address
  // The URL parser writes every spelling of an address in one way (RFC 5952), in hexadecimal throughout.
  const [head = '', tail] = new URL(host).hostname.slice(1, -1).split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(8 - before.length - after.length).fill('0')
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`
}

function setLimitHeaders(res: ServerResponse, state: LimitState): void {
  res.setHeader('RateLimit-Limit', String(state.limit))
  res.setHeader('RateLimit-Remaining', String(state.remaining))
  res.setHeader('RateLimit-Reset', String(state.resetSeconds))
}

/** Counts and tells; RATE_LIMITED, with `Retry-After` in seconds, once the limit is passed. */
async function consumeOrThrow(res: ServerResponse, name: LimitName, key: string): Promise<void> {
  const state = await consume(name, key)
  if (state === undefined) return
  setLimitHeaders(res, state)
  if (!state.allowed) {
    throw new AppError('RATE_LIMITED', { headers: { 'Retry-After': String(state.resetSeconds) } })
  }
}

function keyOfCaller(actor: Actor | undefined, ip: string): string {
  if (actor === undefined) return `address:${networkOf(ip)}`
  return actor.credential === 'apiKey' ? `key:${actor.apiKeyId}` : `user:${actor.userId}`
}

/**
 * The general limit: per API key, else per user, else per address. Who calls is found out first, so that people behind
 * one address do not use up each other's limit, and neither does a stranger there: credentials that are not valid
 * count for the address. A failure to check them is told by whatever needs them, not here.
 */
export async function limitRequest(req: IncomingMessage, res: ServerResponse, context: Context): Promise<void> {
  if (!isLimited('general')) return
  const claimed = req.headers.authorization !== undefined
  const actor = claimed ? await context.authenticate().catch(() => undefined) : undefined
  await consumeOrThrow(res, 'general', keyOfCaller(actor, context.ip))
}

/**
 * The strict limit, per address and purpose, around what a stranger may do at our cost: making accounts, sending mail.
 * Every attempt counts, whether it succeeds or not.
 */
export function withStrictRateLimit<C extends Context>(purpose: string, next: Handler<C>): Handler<C> {
  return async (req, res, context) => {
    await consumeOrThrow(res, 'strict', `${purpose}:${networkOf(context.ip)}`)
    return next(req, res, context)
  }
}

/**
 * Around an attempt to prove a password. Failures count per account and address, so that a stranger elsewhere cannot
 * lock the account's owner out. An attempt is counted before it is made, so that guesses sent at once do not all pass;
 * success forgets the failures, and an attempt that failed for another reason than the password is given back.
 */
export async function withLoginRateLimit<T>(
  res: ServerResponse,
  who: { account: string; ip: string },
  attempt: () => Promise<T>,
): Promise<T> {
  // Hashed, so that neither Redis nor its backups hold e-mail addresses.
  const key = createHash('sha256')
    .update(`${networkOf(who.ip)}\0${who.account}`)
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
