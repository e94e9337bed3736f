import { config, setConfig, type RateLimits } from '@/lib/config'

const original = config()
const WINDOW_SECONDS = 60

/** Switches these limits on and all others off, with counters at nought; `trustProxy` as given, else none. */
export function useLimits(times: Partial<Record<keyof RateLimits, number>>, trustProxy = 0): void {
  const limit = (name: keyof RateLimits) => ({ maxRequests: times[name] ?? 0, windowSeconds: WINDOW_SECONDS })
  const rateLimits = { general: limit('general'), loginAttempts: limit('loginAttempts'), strict: limit('strict') }
  setConfig({ ...original, trustProxy, rateLimits })
}

/** The settings of all other tests again. */
export function useNoLimits(): void {
  setConfig(original)
}
