import { createApiKeyBody } from '@/lib/api-keys/schema'
import { createApiKey, listApiKeys } from '@/lib/api-keys/service'
import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendCreated, sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

const list = requireAuth(async (_req, res, { actor }) => sendJson(res, { apiKeys: await listApiKeys(actor) }))

const create = requireAuth(async (req, res, { actor, ...origin }) => {
  const apiKey = await createApiKey(actor, await parseBody(req, createApiKeyBody), origin)
  res.setHeader('Cache-Control', 'no-store')
  sendCreated(res, '/api/api-keys', apiKey)
})

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
