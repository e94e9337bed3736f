import type { NextApiRequest, NextApiResponse } from 'next'
import { eventStreamRoute } from '@/lib/domains/events/openapi'
import { eventStreamQuery, lastEventId } from '@/lib/domains/events/schema'
import { openEventStream, redeemTicket } from '@/lib/domains/events/service'
import { apiHandler } from '@/lib/http/api-handler'
import type { AuthContext } from '@/lib/http/context'
import { parseHeader, parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendEventStream } from '@/lib/http/send-event-stream'

export const config = { api: { bodyParser: false } }

async function sendEvents(req: NextApiRequest, res: NextApiResponse, context: AuthContext): Promise<void> {
  const { after, types } = parseQuery(req, eventStreamQuery)
  // When a browser reconnects, its URL still has the old `after`.
  const resumeAfter = parseHeader(req, 'Last-Event-ID', lastEventId) ?? after
  await sendEventStream(res, await openEventStream(context.actor, { after: resumeAfter, types }), context)
}

const withCredentials = requireAuth(eventStreamRoute.access, sendEvents)

export default apiHandler(eventStreamRoute, async (req, res, context) => {
  if (req.query['ticket'] === undefined) return withCredentials(req, res, context)
  const { ticket = '' } = parseQuery(req, eventStreamQuery)
  const actor = await redeemTicket(ticket)
  context.identify(actor)
  return sendEvents(req, res, { ...context, actor })
})
