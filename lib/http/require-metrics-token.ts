import { createHash, timingSafeEqual } from 'node:crypto'
import type { NextApiRequest } from 'next'
import { config } from '@/lib/config'
import { AppError } from '@/lib/errors'
import type { Context, Handler } from './context'

function isLoopback(req: NextApiRequest): boolean {
  const peer = req.socket.remoteAddress ?? ''
  // A proxy on this machine is a loopback peer too: what it passes on comes from elsewhere.
  return /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/.test(peer) && req.headers['x-forwarded-for'] === undefined
}

function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

/** For whoever operates the process: the bearer of `METRICS_TOKEN`, or, where none is set, this machine alone. */
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
