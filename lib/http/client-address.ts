import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { config } from '@/lib/config'

/** Converts an IPv4-mapped IPv6 address (`::ffff:a.b.c.d`, from dual-stack sockets) to IPv4. */
function unmapped(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
}

/**
 * Returns the address of the client: the peer's, or behind `TRUST_PROXY` = n proxies the n-th from the right of
 * `X-Forwarded-For`. Each trusted proxy appended the peer that it saw; anything further left may be forged by the client.
 */
export function clientAddress(req: IncomingMessage): string {
  const peer = unmapped(req.socket.remoteAddress ?? 'unknown')
  const hops = config().trustProxy
  if (hops === 0) return peer
  const header = req.headers['x-forwarded-for']
  const forwarded = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map((part) => part.trim())
  const claimed = forwarded.at(-hops) ?? forwarded[0]
  return claimed !== undefined && isIP(claimed) !== 0 ? unmapped(claimed) : peer
}
