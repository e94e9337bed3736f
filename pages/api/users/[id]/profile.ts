import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { preconditionOf, sendResource } from '@/lib/http/etag'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { requireAuth, requireScope } from '@/lib/http/require-auth'
import { profilePath, replaceProfileBody } from '@/lib/domains/profiles/schema'
import { getProfile, replaceProfile } from '@/lib/domains/profiles/service'

export const config = { api: { bodyParser: false } }

const show = requireAuth(
  requireScope('users:read', async (req, res) => {
    const { id } = parseQuery(req, profilePath)
    sendResource(req, res, await getProfile(id))
  }),
)

const replace = requireAuth(
  requireScope('users:write', async (req, res, { actor }) => {
    const { id } = parseQuery(req, profilePath)
    sendResource(
      req,
      res,
      await replaceProfile(actor, id, await parseBody(req, replaceProfileBody), preconditionOf(req)),
    )
  }),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return show(req, res, context)
    case 'PUT':
      return replace(req, res, context)
    default:
      throw methodNotAllowed('GET', 'PUT')
  }
})
