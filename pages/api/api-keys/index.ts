import { createApiKeyBody } from '@/lib/domains/auth/api-keys/schema'
import { createApiKey, listApiKeys } from '@/lib/domains/auth/api-keys/service'
import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { sendResource } from '@/lib/http/etag'
import type { SessionContext } from '@/lib/http/context'
import { idempotent } from '@/lib/http/with-idempotency'
import { parseBody } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'

export const config = { api: { bodyParser: false } }

const list = requireAuth(async (req, res, { actor }) => sendResource(req, res, { apiKeys: await listApiKeys(actor) }))

const create = requireAuth(
  idempotent<SessionContext>(async (req, { actor, ...origin }) => {
    const apiKey = await createApiKey(actor, await parseBody(req, createApiKeyBody), origin)
    // Unlike other answers it holds what no GET gives: the key. So it has no ETag, and is kept nowhere.
    return { headers: { Location: `/api/api-keys/${apiKey.id}`, 'Cache-Control': 'no-store' }, body: apiKey }
  }),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return list(req, res, context)
    case 'POST':
      return create(req, res, context)
    default:
      throw methodNotAllowed('GET', 'POST')
  }
})
