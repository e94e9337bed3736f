import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context, Handler } from '@/lib/http/context'
import { parseBody } from '@/lib/http/parse'
import { withStrictRateLimit } from '@/lib/http/rate-limit'
import { sendNoContent } from '@/lib/http/respond'
import { forgotPasswordBody } from '@/lib/domains/auth/recovery/schema'
import { forgotPassword } from '@/lib/domains/auth/recovery/service'

export const config = { api: { bodyParser: false } }

const ask: Handler<Context> = withStrictRateLimit('forgot-password', async (req, res, context) => {
  const { email } = await parseBody(req, forgotPasswordBody)
  await forgotPassword(email, context)
  sendNoContent(res)
})

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'POST':
      return ask(req, res, context)
    default:
      throw methodNotAllowed('POST')
  }
})
