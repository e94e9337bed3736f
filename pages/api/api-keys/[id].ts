import { apiKeyPath } from '@/lib/domains/auth/api-keys/schema'
import { deleteApiKey } from '@/lib/domains/auth/api-keys/service'
import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

const remove = requireAuth(async (req, res, { actor, ...origin }) => {
  const { id } = parseQuery(req, apiKeyPath)
  await deleteApiKey(actor, id, origin)
  sendNoContent(res)
})

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'DELETE':
      return remove(req, res, context)
    default:
      throw methodNotAllowed('DELETE')
  }
})
