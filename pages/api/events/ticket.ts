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
      return { headers: { 'Cache-Control': 'no-store' }, body: await issueTicket(actor) }
    }),
  ),
)
