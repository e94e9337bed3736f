/** Describes an existing account that became an admin, because it may have been registered by another person. */
export function takeoverNotice(email: string, found: { registeredAt: Date; wasVerified: boolean }): string {
  const { registeredAt, wasVerified } = found
  const address = wasVerified ? 'verified' : 'not verified'
  return `${email} was registered at ${registeredAt.toISOString()}, its address was ${address}. Its password, sessions and API keys were revoked.`
}
