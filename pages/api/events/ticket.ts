import { eventTicketRoute } from '@/lib/domains/events/openapi'
import { issueTicketBody } from '@/lib/domains/events/schema'
import { issueTicket } from '@/lib/domains/events/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { withIdempotency } from '@/lib/http/with-idempotency'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  eventTicketRoute,
  requireAuth(
    eventTicketRoute.access,
    withIdempotency(async (req, { actor }) => {
      await parseBody(req, issueTicketBody)
      const body = await issueTicket(actor)
      return { headers: { 'Cache-Control': 'no-store', Location: `/api/events/stream?ticket=${body.ticket}` }, body }
    }),
  ),
)
