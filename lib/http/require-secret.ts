import { createHash, timingSafeEqual } from 'node:crypto'
import type { NextApiRequest } from 'next'
import { config } from '@/lib/config'
import { AppError } from '@/lib/errors'
import type { Context, Handler } from './context'

const FORWARDING_HEADER = /^(forwarded|via|x-forwarded-.*|x-real-ip|x-client-ip|true-client-ip|cf-connecting-ip)$/

/**
 * Returns whether a program on this host sends the request itself. A proxy on this host is a loopback peer too. Next's own
 * server adds forwarding headers to `headers`, so they are looked for as they were received.
 */
function isLoopback(req: NextApiRequest): boolean {
  const peer = req.socket.remoteAddress ?? ''
  return (
    config().trustProxy === 0 &&
    /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/.test(peer) &&
    // Other names are those of a proxy that adds no header, or of a page that resolves to 127.0.0.1 (DNS rebinding).
    /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i.test(req.headers.host ?? '') &&
    !req.rawHeaders.some((name, at) => at % 2 === 0 && FORWARDING_HEADER.test(name.toLowerCase()))
  )
}

function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

/** @throws UNAUTHORIZED when the request does not have this bearer token */
function assertBearer(req: NextApiRequest, secret: string): void {
  if (!isSame(req.headers.authorization ?? '', `Bearer ${secret}`)) throw new AppError('UNAUTHORIZED')
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
    } else {
      assertBearer(req, metricsToken)
    }
    return next(req, res, context)
  }
}

/**
 * Requires `CRON_SECRET` as the bearer token; without that setting every request is rejected.
 * @throws UNAUTHORIZED
 */
export function requireCronSecret(next: Handler<Context>): Handler<Context> {
  return (req, res, context) => {
    const { cronSecret } = config()
    if (cronSecret === undefined) throw new AppError('UNAUTHORIZED')
    assertBearer(req, cronSecret)
    return next(req, res, context)
  }
}
