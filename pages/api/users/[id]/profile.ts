import { profileRoute } from '@/lib/domains/profiles/openapi'
import { profilePath, replaceProfileBody } from '@/lib/domains/profiles/schema'
import { getProfile, replaceProfile } from '@/lib/domains/profiles/service'
import { apiHandler } from '@/lib/http/api-handler'
import { preconditionOf, sendResource } from '@/lib/http/etag'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  profileRoute,
  requireAuth(profileRoute.access, async (req, res, { actor }) => {
    const { id } = parseQuery(req, profilePath)
    switch (req.method) {
      case 'GET':
        return sendResource(req, res, await getProfile(id))
      case 'PUT': {
        const body = await parseBody(req, replaceProfileBody)
        return sendResource(req, res, await replaceProfile(actor, id, body, preconditionOf(req)))
      }
    }
  }),
)
