import { apiKeysRoute } from '@/lib/domains/auth/api-keys/openapi'
import { createApiKeyBody, listApiKeysQuery } from '@/lib/domains/auth/api-keys/schema'
import { createApiKey, listApiKeys } from '@/lib/domains/auth/api-keys/service'
import { apiHandler } from '@/lib/http/api-handler'
import type { SessionContext } from '@/lib/http/context'
import { sendResource } from '@/lib/http/etag'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { withIdempotency } from '@/lib/http/with-idempotency'

export const config = { api: { bodyParser: false } }

const handleGet = requireAuth(apiKeysRoute.GET.access, async (req, res, { actor }) => {
  const { ownerId } = parseQuery(req, listApiKeysQuery)
  return sendResource(req, res, { apiKeys: await listApiKeys(actor, ownerId) })
})

const handlePost = requireAuth(
  apiKeysRoute.POST.access,
  withIdempotency<SessionContext>(async (req, { actor, ...client }) => {
    const apiKey = await createApiKey(actor, await parseBody(req, createApiKeyBody), client)
    // The response contains the key, which no GET returns: so it has no ETag and must not be stored.
    return { headers: { Location: `/api/api-keys/${apiKey.id}`, 'Cache-Control': 'no-store' }, body: apiKey }
  }),
)

export default apiHandler(apiKeysRoute, (req, res, context) =>
  req.method === 'POST' ? handlePost(req, res, context) : handleGet(req, res, context),
)
