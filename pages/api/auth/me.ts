import { currentUser } from '@/lib/domains/auth/service'
import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { sendResource } from '@/lib/http/etag'
import { requireAuth } from '@/lib/http/require-auth'

export const config = { api: { bodyParser: false } }

const showMe = requireAuth(async (req, res, { actor }) => sendResource(req, res, { user: await currentUser(actor) }))

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return showMe(req, res, context)
    default:
      throw methodNotAllowed('GET')
  }
})
