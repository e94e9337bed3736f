import type { Infer } from '@/lib/validation'
import type { providers } from './schema'

/** Returns the ways to sign in. */
export function listProviders(): Infer<typeof providers> {
  return { password: true, emailCode: false, passkeys: false, oidc: [] }
}
