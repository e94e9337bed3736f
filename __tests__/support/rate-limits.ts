import { config, setConfig, type RateLimits } from '@/lib/config'

const original = config()
const WINDOW_SECONDS = 60

/** Enables these limits and disables all others. Resets the counters. */
export function useLimits(times: Partial<Record<keyof RateLimits, number>>, trustProxy = 0): void {
  const limit = (name: keyof RateLimits) => ({ maxRequests: times[name] ?? 0, windowSeconds: WINDOW_SECONDS })
  const rateLimits = {
    general: limit('general'),
    apiKeysOfUser: limit('apiKeysOfUser'),
    loginAttempts: limit('loginAttempts'),
    loginAttemptsOfAddress: limit('loginAttemptsOfAddress'),
    strict: limit('strict'),
  }
  setConfig({ ...original, trustProxy, rateLimits })
}

/** Restores the default configuration of the tests. */
export function useNoLimits(): void {
  setConfig(original)
}
