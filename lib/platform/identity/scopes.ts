/** The scopes of API keys, in the order of the documentation. */
export const SCOPES = [
  'users:read',
  'users:write',
  'families:read',
  'families:write',
  'posts:read',
  'posts:write',
  'products:read',
  'products:write',
  'files:read',
  'files:write',
  'webhooks:read',
  'webhooks:write',
  'events:read',
  'contact:read',
] as const

export type Scope = (typeof SCOPES)[number]

export function isScope(word: string): word is Scope {
  return SCOPES.some((scope) => scope === word)
}
