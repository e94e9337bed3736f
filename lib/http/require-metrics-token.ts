import { createHash, timingSafeEqual } from 'node:crypto'
import type { NextApiRequest } from 'next'
import { config } from '@/lib/config'
import { AppError } from '@/lib/errors'
import type { Context, Handler } from './context'

const FORWARDING_HEADER = /^(forwarded|via|x-forwarded-.*|x-real-ip|x-client-ip|true-client-ip|cf-connecting-ip)$/

/** Returns whether a program on this host sends the request itself. A proxy on this host is a loopback peer too. */
function isLoopback(req: NextApiRequest): boolean {
  const peer = req.socket.remoteAddress ?? ''
  return (
    config().trustProxy === 0 &&
    /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/.test(peer) &&
    // Other names are those of a proxy that adds no header, or of a page that resolves to 127.0.0.1 (DNS rebinding).
    /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i.test(req.headers.host ?? '') &&
    !Object.keys(req.headers).some((name) => FORWARDING_HEADER.test(name))
  )
}

function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

/**
 * Requires `METRICS_TOKEN` as the bearer token, or, if it is not set, a client on this host.
 * @throws UNAUTHORIZED, FORBIDDEN
 */
export function requireMetricsToken(next: Handler<Context>): Handler<Context> {
  return (req, res, context) => {
    const { metricsToken } = config()
    if (metricsToken === undefined) {
      if (!isLoopback(req)) throw new AppError('FORBIDDEN')
    } else if (!isSame(req.headers.authorization ?? '', `Bearer ${metricsToken}`)) {
      throw new AppError('UNAUTHORIZED')
    }
    return next(req, res, context)
  }
}
