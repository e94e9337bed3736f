import { sendVerificationEmailRoute } from '@/lib/domains/auth/recovery/openapi'
import { sendVerificationEmail } from '@/lib/domains/auth/recovery/service'
import { apiHandler } from '@/lib/http/api-handler'
import { requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  sendVerificationEmailRoute,
  requireAuth(sendVerificationEmailRoute.access, async (_req, res, { actor }) => {
    await sendVerificationEmail(actor)
    sendNoContent(res)
  }),
)
