import { noteRoute } from '@/lib/domains/notes/openapi'
import { notePath } from '@/lib/domains/notes/schema'
import { getNote } from '@/lib/domains/notes/service'
import { apiHandler } from '@/lib/http/api-handler'
import { sendResource } from '@/lib/http/etag'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  noteRoute,
  requireAuth(noteRoute.access, async (req, res, { actor }) => {
    const { id } = parseQuery(req, notePath)
    return sendResource(req, res, await getNote(actor, id))
  }),
)
