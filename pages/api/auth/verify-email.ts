import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context, Handler } from '@/lib/http/context'
import { parseBody } from '@/lib/http/parse'
import { sendNoContent } from '@/lib/http/respond'
import { verifyEmailBody } from '@/lib/domains/auth/recovery/schema'
import { verifyEmail } from '@/lib/domains/auth/recovery/service'

export const config = { api: { bodyParser: false } }

const verify: Handler<Context> = async (req, res, context) => {
  const { token } = await parseBody(req, verifyEmailBody)
  await verifyEmail(token, context)
  sendNoContent(res)
}

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'POST':
      return verify(req, res, context)
    default:
      throw methodNotAllowed('POST')
  }
})
