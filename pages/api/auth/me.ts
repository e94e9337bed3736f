import { currentUser } from '@/lib/auth/service'
import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { requireAuth } from '@/lib/http/require-auth'
import { sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

const showMe = requireAuth(async (_req, res, { actor }) => sendJson(res, { user: await currentUser(actor) }))

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return showMe(req, res, context)
    default:
      throw methodNotAllowed('GET')
  }
})
