import type { ServerResponse } from 'node:http'
import { serializeItem } from 'structured-headers'
import { config } from '@/lib/config'
import type { LimitName, LimitState } from '@/lib/platform/rate-limiter'

/** The names of the limits in `RateLimit-Policy`. */
const POLICY_NAMES: Record<LimitName, string> = {
  general: 'default',
  apiKeysOfUser: 'api-keys',
  strict: 'strict',
  loginAttempts: 'login',
  loginAttemptsOfAddress: 'login-address',
}

function item(name: string, parameters: Record<string, number>): string {
  return serializeItem(name, new Map(Object.entries(parameters)))
}

function addItem(res: ServerResponse, header: string, value: string): void {
  const items = res.getHeader(header)
  res.setHeader(header, items === undefined ? value : `${String(items)}, ${value}`)
}

/**
 * Sets the headers of a limit: `RateLimit` and `RateLimit-Policy`, lists with an item for each limit that applies to the
 * request (draft-ietf-httpapi-ratelimit-headers: quota, window, rest, and time to the reset in seconds), and the older
 * three, of the most specific limit.
 */
export function setLimitHeaders(res: ServerResponse, name: LimitName, state: LimitState): void {
  const { limit, remaining, resetSeconds } = state
  const policy = POLICY_NAMES[name]
  addItem(res, 'RateLimit-Policy', item(policy, { q: limit, w: config().rateLimits[name].windowSeconds }))
  addItem(res, 'RateLimit', item(policy, { r: remaining, t: resetSeconds }))
  res.setHeader('RateLimit-Limit', String(limit))
  res.setHeader('RateLimit-Remaining', String(remaining))
  res.setHeader('RateLimit-Reset', String(resetSeconds))
}
