import { eventsRoute } from '@/lib/domains/events/openapi'
import { listEventsQuery } from '@/lib/domains/events/schema'
import { listEvents } from '@/lib/domains/events/service'
import { apiHandler } from '@/lib/http/api-handler'
import { sendResource } from '@/lib/http/etag'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { linksTo } from '@/lib/http/send-list'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  eventsRoute,
  requireAuth(eventsRoute.access, async (req, res, { actor }) => {
    const query = parseQuery(req, listEventsQuery)
    const { events, nextCursor } = await listEvents(actor, query)
    const headers = linksTo(req, 'after', { first: '', next: nextCursor })
    sendResource(req, res, { events, pagination: { limit: query.limit, nextCursor } }, { headers })
  }),
)
