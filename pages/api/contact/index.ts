import { contactRoute } from '@/lib/domains/contact/openapi'
import { contactBody, contactQuery, listContactQuery } from '@/lib/domains/contact/schema'
import { listContactMessages, receiveContactMessage } from '@/lib/domains/contact/service'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context } from '@/lib/http/context'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { withStrictRateLimit } from '@/lib/http/rate-limit'
import { requireAuth } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'
import { withIdempotency } from '@/lib/http/with-idempotency'

export const config = { api: { bodyParser: false } }

const handleGet = requireAuth(contactRoute.GET.access, async (req, res) => {
  const query = parseQuery(req, listContactQuery)
  sendList(req, res, { plural: 'contactMessages', request: query, list: await listContactMessages(query) })
})

const handlePost = withStrictRateLimit(
  'contact',
  withIdempotency<Context>(async (req) => {
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

export default apiHandler(contactRoute, (req, res, context) => {
  switch (req.method) {
    case 'GET':
      return handleGet(req, res, context)
    case 'POST':
      return handlePost(req, res, context)
  }
})
