import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context, Handler } from '@/lib/http/context'
import { parseBody } from '@/lib/http/parse'
import { sendNoContent } from '@/lib/http/respond'
import { resetPasswordBody } from '@/lib/domains/auth/recovery/schema'
import { resetPassword } from '@/lib/domains/auth/recovery/service'

export const config = { api: { bodyParser: false } }

const reset: Handler<Context> = async (req, res, context) => {
  await resetPassword(await parseBody(req, resetPasswordBody), context)
  sendNoContent(res)
}

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'POST':
      return reset(req, res, context)
    default:
      throw methodNotAllowed('POST')
  }
})
