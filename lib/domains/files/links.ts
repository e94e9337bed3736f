import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { config } from '@/lib/config'

/** What a link opens: this content at this path. The key changes with every replacement. */
export type Linked = { ownerId: number; path: string; storageKey: string }

/** What a link adds to a file's URL. */
export type LinkParameters = { expires?: string | undefined; signature?: string | undefined }

/** A key of its own for links from each secret (RFC 5869), so that neither links nor tokens say anything of the other. */
function linkKeys(): Buffer[] {
  return config().jwtSecrets.map((secret) =>
    Buffer.from(hkdfSync('sha256', secret, new Uint8Array(), 'hearth file links', 32)),
  )
}

function sign(key: Buffer, linked: Linked, expires: string): Buffer {
  const message = JSON.stringify([linked.ownerId, linked.path, linked.storageKey, expires])
  return Buffer.from(createHmac('sha256', key).update(message).digest('base64url'))
}

/** The query of a link (RFC 2104, HMAC-SHA-256) that opens a file until `expiresAt`, in whole seconds. */
export function signLink(linked: Linked, expiresAt: Date): { expires: string; signature: string } {
  const [key] = linkKeys()
  if (key === undefined) throw new Error('JWT_SECRET is not set')
  const expires = String(Math.floor(expiresAt.getTime() / 1000))
  return { expires, signature: sign(key, linked, expires).toString() }
}

/** Whether a link opens this content now. It is compared as text: a signature has one spelling. */
export function isLinkValid({ expires, signature }: LinkParameters, linked: Linked): boolean {
  if (expires === undefined || signature === undefined) return false
  const given = Buffer.from(signature)
  const isSigned = linkKeys().some((key) => {
    const right = sign(key, linked, expires)
    return given.length === right.length && timingSafeEqual(given, right)
  })
  return isSigned && Number(expires) * 1000 > Date.now()
}
