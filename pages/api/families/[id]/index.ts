import { methodNotAllowed } from '@/lib/errors'
import { createFamilyBody, familyPath, updateFamilyBody } from '@/lib/domains/families/schema'
import { deleteFamily, getFamily, updateFamily } from '@/lib/domains/families/service'
import { apiHandler } from '@/lib/http/api-handler'
import { preconditionOf, sendResource } from '@/lib/http/etag'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { requireAuth, requireScope } from '@/lib/http/require-auth'
import { sendJson, sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

const show = requireAuth(
  requireScope('families:read', async (req, res, { actor }) => {
    const { id } = parseQuery(req, familyPath)
    sendResource(req, res, await getFamily(actor, id))
  }),
)

const replace = requireAuth(
  requireScope('families:write', async (req, res, { actor }) => {
    const { id } = parseQuery(req, familyPath)
    sendJson(res, await updateFamily(actor, id, await parseBody(req, createFamilyBody), preconditionOf(req)))
  }),
)

const change = requireAuth(
  requireScope('families:write', async (req, res, { actor }) => {
    const { id } = parseQuery(req, familyPath)
    sendJson(res, await updateFamily(actor, id, await parseBody(req, updateFamilyBody), preconditionOf(req)))
  }),
)

const remove = requireAuth(
  requireScope('families:write', async (req, res, { actor }) => {
    const { id } = parseQuery(req, familyPath)
    await deleteFamily(actor, id, preconditionOf(req))
    sendNoContent(res)
  }),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return show(req, res, context)
    case 'PUT':
      return replace(req, res, context)
    case 'PATCH':
      return change(req, res, context)
    case 'DELETE':
      return remove(req, res, context)
    default:
      throw methodNotAllowed('GET', 'PUT', 'PATCH', 'DELETE')
  }
})
