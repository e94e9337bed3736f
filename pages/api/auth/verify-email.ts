import { verifyEmailRoute } from '@/lib/domains/auth/recovery/openapi'
import { verifyEmailBody } from '@/lib/domains/auth/recovery/schema'
import { verifyEmail } from '@/lib/domains/auth/recovery/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(verifyEmailRoute, async (req, res, context) => {
  const { token } = await parseBody(req, verifyEmailBody)
  await verifyEmail(token, context)
  sendNoContent(res)
})
