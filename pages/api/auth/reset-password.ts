import { resetPasswordRoute } from '@/lib/domains/auth/recovery/openapi'
import { resetPasswordBody } from '@/lib/domains/auth/recovery/schema'
import { resetPassword } from '@/lib/domains/auth/recovery/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(resetPasswordRoute, async (req, res, context) => {
  await resetPassword(await parseBody(req, resetPasswordBody), context)
  sendNoContent(res)
})
