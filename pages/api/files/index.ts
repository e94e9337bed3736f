import { methodNotAllowed } from '@/lib/errors'
import { listFilesQuery } from '@/lib/domains/files/schema'
import { listFiles } from '@/lib/domains/files/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth, requireScope } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'

export const config = { api: { bodyParser: false } }

const list = requireAuth(
  requireScope('files:read', async (req, res, { actor }) => {
    const query = parseQuery(req, listFilesQuery)
    sendList(req, res, { plural: 'files', request: query, list: await listFiles(actor, query) })
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
