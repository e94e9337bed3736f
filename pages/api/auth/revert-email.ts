import { revertEmailRoute } from '@/lib/domains/auth/recovery/openapi'
import { revertEmailBody } from '@/lib/domains/auth/recovery/schema'
import { revertEmail } from '@/lib/domains/auth/recovery/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(revertEmailRoute, async (req, res, context) => {
  const { token } = await parseBody(req, revertEmailBody)
  await revertEmail(token, context)
  sendNoContent(res)
})
