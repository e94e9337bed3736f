import { apiKeyRoute } from '@/lib/domains/auth/api-keys/openapi'
import { apiKeyPath } from '@/lib/domains/auth/api-keys/schema'
import { deleteApiKey } from '@/lib/domains/auth/api-keys/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  apiKeyRoute,
  requireAuth(apiKeyRoute.access, async (req, res, { actor, ...client }) => {
    const { id } = parseQuery(req, apiKeyPath)
    await deleteApiKey(actor, id, client)
    sendNoContent(res)
  }),
)
