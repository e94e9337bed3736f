import { methodNotAllowed } from '@/lib/errors'
import { listFamiliesOfUserQuery } from '@/lib/domains/families/schema'
import { listFamiliesOf } from '@/lib/domains/families/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth, requireScope } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'

export const config = { api: { bodyParser: false } }

const list = requireAuth(
  requireScope('families:read', async (req, res, { actor }) => {
    const { id, ...request } = parseQuery(req, listFamiliesOfUserQuery)
    sendList(req, res, { plural: 'families', request, list: await listFamiliesOf(actor, id, request) })
  }),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return list(req, res, context)
    default:
      throw methodNotAllowed('GET')
  }
})
