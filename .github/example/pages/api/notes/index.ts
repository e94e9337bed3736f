import { notesRoute } from '@/lib/domains/notes/openapi'
import { listNotesQuery, noteBody } from '@/lib/domains/notes/schema'
import { createNote, listNotes } from '@/lib/domains/notes/service'
import { apiHandler } from '@/lib/http/api-handler'
import type { SessionContext } from '@/lib/http/context'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'
import { created, withIdempotency } from '@/lib/http/with-idempotency'

export const config = { api: { bodyParser: false } }

const handlePost = withIdempotency<SessionContext>(async (req, { actor }) =>
  created('/api/notes', await createNote(actor, await parseBody(req, noteBody))),
)

export default apiHandler(
  notesRoute,
  requireAuth(notesRoute.access, async (req, res, context) => {
    switch (req.method) {
      case 'GET': {
        const query = parseQuery(req, listNotesQuery)
        const list = await listNotes(context.actor, query)
        return sendList(req, res, { plural: 'notes', request: query, list })
      }
      case 'POST':
        return handlePost(req, res, context)
    }
  }),
)
