import { filesRoute } from '@/lib/domains/files/openapi'
import { listFilesQuery } from '@/lib/domains/files/schema'
import { listFiles } from '@/lib/domains/files/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  filesRoute,
  requireAuth(filesRoute.access, async (req, res, { actor }) => {
    const query = parseQuery(req, listFilesQuery)
    sendList(req, res, { plural: 'files', request: query, list: await listFiles(actor, query) })
  }),
)
