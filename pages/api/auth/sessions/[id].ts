import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'
import { sessionPath } from '@/lib/domains/auth/sessions/schema'
import { endSession } from '@/lib/domains/auth/sessions/service'

export const config = { api: { bodyParser: false } }

const end = requireAuth(async (req, res, { actor, ...origin }) => {
  const { id } = parseQuery(req, sessionPath)
  await endSession(actor, id, origin)
  sendNoContent(res)
})

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'DELETE':
      return end(req, res, context)
    default:
      throw methodNotAllowed('DELETE')
  }
})
