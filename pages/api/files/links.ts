import { fileLinksRoute } from '@/lib/domains/files/openapi'
import { createLinkBody } from '@/lib/domains/files/schema'
import { createLink } from '@/lib/domains/files/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { withIdempotency } from '@/lib/http/with-idempotency'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  fileLinksRoute,
  requireAuth(
    fileLinksRoute.access,
    withIdempotency(async (req, { actor, ...client }) => {
      const link = await createLink(actor, await parseBody(req, createLinkBody), client)
      return { headers: { Location: link.url, 'Cache-Control': 'no-store' }, body: link }
    }),
  ),
)
