import { sign, verify } from '@/lib/platform/crypto/keyring'

/** What a link signs. The storage key changes with every replacement, so that a link does not open later content. */
export type Linked = { ownerId: number; path: string; storageKey: string }

/** The query parameters of a signed link. */
export type LinkParameters = { expires?: string | undefined; signature?: string | undefined }

function messageOf({ ownerId, path, storageKey }: Linked, expires: string): string {
  return JSON.stringify([ownerId, path, storageKey, expires])
}

/** Returns the query parameters of a link that opens a file until `expiresAt`, truncated to seconds. */
export function signLink(linked: Linked, expiresAt: Date): { expires: string; signature: string } {
  const expires = String(Math.floor(expiresAt.getTime() / 1000))
  return { expires, signature: sign('file-link', messageOf(linked, expires)).toString('base64url') }
}

/** Returns whether a link opens this content now. */
export function isLinkValid({ expires, signature }: LinkParameters, linked: Linked): boolean {
  if (expires === undefined || signature === undefined) return false
  const bytes = Buffer.from(signature, 'base64url')
  // Base64url has several spellings of the same bytes; accept only ours.
  if (bytes.toString('base64url') !== signature) return false
  return verify('file-link', messageOf(linked, expires), bytes) && Number(expires) * 1000 > Date.now()
}
