import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import { requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'
import { sendVerificationEmail } from '@/lib/domains/auth/recovery/service'

export const config = { api: { bodyParser: false } }

const send = requireAuth(async (_req, res, { actor }) => {
  await sendVerificationEmail(actor)
  sendNoContent(res)
})

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'POST':
      return send(req, res, context)
    default:
      throw methodNotAllowed('POST')
  }
})
