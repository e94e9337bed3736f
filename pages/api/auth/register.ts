import { registerBody } from '@/lib/auth/schema'
import { register } from '@/lib/auth/service'
import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context, Handler } from '@/lib/http/context'
import { parseBody } from '@/lib/http/parse'
import { limitStrictly } from '@/lib/http/rate-limit'
import { sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

const signUp: Handler<Context> = limitStrictly('sign-up', async (req, res, context) => {
  const signedIn = await register(await parseBody(req, registerBody), context)
  res.setHeader('Location', `/api/users/${signedIn.user.id}`)
  res.setHeader('Cache-Control', 'no-store')
  sendJson(res, signedIn, 201)
})

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'POST':
      return signUp(req, res, context)
    default:
      throw methodNotAllowed('POST')
  }
})
