import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { sendResource } from '@/lib/http/etag'
import { requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'
import { endOtherSessions, listSessions } from '@/lib/domains/auth/sessions/service'

export const config = { api: { bodyParser: false } }

const list = requireAuth(async (req, res, { actor }) => sendResource(req, res, { sessions: await listSessions(actor) }))

const endOthers = requireAuth(async (_req, res, { actor, ...origin }) => {
  await endOtherSessions(actor, origin)
  sendNoContent(res)
})

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return list(req, res, context)
    case 'DELETE':
      return endOthers(req, res, context)
    default:
      throw methodNotAllowed('GET', 'DELETE')
  }
})
