import { currentUser } from '@/lib/domains/auth/service'
import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { requireAuth, requireScope } from '@/lib/http/require-auth'
import { sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

const greet = requireAuth(
  requireScope('any', async (_req, res, { actor }) => {
    const user = await currentUser(actor)
    sendJson(res, { message: `Hello, ${user.name ?? user.email}`, user })
  }),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return greet(req, res, context)
    default:
      throw methodNotAllowed('GET')
  }
})
