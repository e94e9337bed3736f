import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError, isAppError } from '@/lib/errors'
import { refund, consume, isLimited, resetCount, type LimitName } from '@/lib/platform/rate-limiter'
import { networkOf } from '@/lib/platform/network'
import type { Operation } from '@/lib/platform/operation'
import type { Context, Handler } from './context'
import { setLimitHeaders } from './rate-limit-headers'

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

/**
 * Counts a request for a limit above the one that the headers report, which they do only when it is exceeded.
 * @throws RATE_LIMITED with `Retry-After`
 */
async function consumeQuietlyOrThrow(res: ServerResponse, name: LimitName, key: string): Promise<void> {
  const state = await consume(name, key)
  if (state === undefined || state.allowed) return
  setLimitHeaders(res, name, state)
  throw new AppError('RATE_LIMITED', { headers: { 'Retry-After': String(state.resetSeconds) } })
}

/**
 * Applies the general limit per API key, else per user, else per address, and another to all keys of a user together, so
 * that more keys do not permit more requests. The caller is authenticated first, so that users behind one address do not
 * use up each other's limit. Invalid credentials count for the address; they are rejected later, where the route requires
 * authentication. Public routes count the address whatever the credentials: they do not look at them.
 */
export async function limitRequest(
  req: IncomingMessage,
  res: ServerResponse,
  context: Context,
  operation: Operation | undefined,
): Promise<void> {
  if (!isLimited('general')) return
  const identifies = req.headers.authorization !== undefined && operation?.access !== 'public'
  const actor = identifies ? await context.authenticate().catch(() => undefined) : undefined
  if (actor === undefined) return consumeOrThrow(res, 'general', `address:${networkOf(context.ip)}`)
  if (actor.credential === 'session') return consumeOrThrow(res, 'general', `user:${actor.userId}`)
  await consumeOrThrow(res, 'general', `key:${actor.apiKeyId}`)
  await consumeQuietlyOrThrow(res, 'apiKeysOfUser', String(actor.userId))
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
 * Rate-limits password attempts per account and address, so an attacker elsewhere cannot lock the owner out, and per
 * address over all accounts, so that one password cannot be tried on many. The attempt is counted before it runs (parallel
 * guesses cannot slip through) and refunded if it fails for any reason other than a wrong password; success resets the
 * count of the account.
 */
export async function withLoginRateLimit<T>(
  res: ServerResponse,
  client: { account: string; ip: string },
  attempt: () => Promise<T>,
): Promise<T> {
  const network = networkOf(client.ip)
  // Hashed, so that neither Redis nor its backups contain email addresses.
  const key = createHash('sha256').update(`${network}\0${client.account}`).digest('base64url')
  await consumeOrThrow(res, 'loginAttempts', key)
  await consumeQuietlyOrThrow(res, 'loginAttemptsOfAddress', network)
  try {
    const result = await attempt()
    await Promise.all([resetCount('loginAttempts', key), refund('loginAttemptsOfAddress', network)])
    return result
  } catch (error) {
    if (!isAppError(error) || error.code !== 'INVALID_CREDENTIALS') {
      await Promise.all([refund('loginAttempts', key), refund('loginAttemptsOfAddress', network)])
    }
    throw error
  }
}
