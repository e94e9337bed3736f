import { forgotPasswordRoute } from '@/lib/domains/auth/recovery/openapi'
import { forgotPasswordBody } from '@/lib/domains/auth/recovery/schema'
import { forgotPassword } from '@/lib/domains/auth/recovery/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { withStrictRateLimit } from '@/lib/http/rate-limit'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  forgotPasswordRoute,
  withStrictRateLimit('forgot-password', async (req, res, context) => {
    const { email } = await parseBody(req, forgotPasswordBody)
    await forgotPassword(email, context)
    sendNoContent(res)
  }),
)
