import { familyRoute } from '@/lib/domains/families/openapi'
import { createFamilyBody, familyPath, updateFamilyBody } from '@/lib/domains/families/schema'
import { deleteFamily, getFamily, updateFamily } from '@/lib/domains/families/service'
import { apiHandler } from '@/lib/http/api-handler'
import { preconditionOf, sendResource } from '@/lib/http/etag'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  familyRoute,
  requireAuth(familyRoute.access, async (req, res, { actor }) => {
    const { id } = parseQuery(req, familyPath)
    switch (req.method) {
      case 'GET':
        return sendResource(req, res, await getFamily(actor, id))
      case 'PUT':
      case 'PATCH': {
        const changes = await parseBody(req, req.method === 'PUT' ? createFamilyBody : updateFamilyBody)
        return sendResource(req, res, await updateFamily(actor, id, changes, preconditionOf(req)))
      }
      case 'DELETE':
        await deleteFamily(actor, id, preconditionOf(req))
        return sendNoContent(res)
    }
  }),
)
