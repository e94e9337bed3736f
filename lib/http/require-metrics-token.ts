import { createHash, timingSafeEqual } from 'node:crypto'
import type { NextApiRequest } from 'next'
import { config } from '@/lib/config'
import { AppError } from '@/lib/errors'
import type { Context, Handler } from './context'

function isLoopback(req: NextApiRequest): boolean {
  const peer = req.socket.remoteAddress ?? ''
  // A proxy on this host is a loopback peer too, but forwards requests from other hosts.
  return /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/.test(peer) && req.headers['x-forwarded-for'] === undefined
}

function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

/**
 * Requires `METRICS_TOKEN` as the bearer token, or, if it is not set, a loopback client.
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
