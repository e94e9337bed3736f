import { contactBody, contactQuery, listContactQuery } from '@/lib/domains/contact/schema'
import { listContactMessages, receiveContactMessage } from '@/lib/domains/contact/service'
import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context } from '@/lib/http/context'
import { idempotent } from '@/lib/http/with-idempotency'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { withStrictRateLimit } from '@/lib/http/rate-limit'
import { requireAuth, requireRole, requireScope } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'

export const config = { api: { bodyParser: false } }

const list = requireAuth(
  requireScope(
    'contact:read',
    requireRole('admin', async (req, res) => {
      const query = parseQuery(req, listContactQuery)
      sendList(req, res, { plural: 'contactMessages', request: query, list: await listContactMessages(query) })
    }),
  ),
)

const send = withStrictRateLimit(
  'contact',
  idempotent<Context>(async (req) => {
    const query = parseQuery(req, contactQuery)
    await receiveContactMessage({ ...(await parseBody(req, contactBody)), ...query })
    return {
      status: 200,
      headers: {
        'X-Contact-Processed': 'true',
        'Set-Cookie': 'contact-sent=true; Path=/; HttpOnly; SameSite=Lax',
      },
      body: { success: true, message: 'Thank you. Your message was received.' },
    }
  }),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return list(req, res, context)
    case 'POST':
      return send(req, res, context)
    default:
      throw methodNotAllowed('GET', 'POST')
  }
})
