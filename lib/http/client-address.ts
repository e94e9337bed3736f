import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { config } from '@/lib/config'

/** IPv4 addresses that a dual-stack socket shows as `::ffff:a.b.c.d` are written as IPv4. */
function plain(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
}

/**
 * The address of the client: the peer's, or, behind `TRUST_PROXY` = n proxies, the n-th from the right of
 * `X-Forwarded-For`. Each of our proxies appended the peer that it saw; what stands left of those a client may have
 * forged.
 */
export function clientAddress(req: IncomingMessage): string {
  const peer = plain(req.socket.remoteAddress ?? 'unknown')
  const hops = config().trustProxy
  if (hops === 0) return peer
  const header = req.headers['x-forwarded-for']
  const forwarded = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map((part) => part.trim())
  const claimed = forwarded.at(-hops) ?? forwarded[0]
  return claimed !== undefined && isIP(claimed) !== 0 ? plain(claimed) : peer
}
