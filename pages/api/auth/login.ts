import { loginBody } from '@/lib/auth/schema'
import { login } from '@/lib/auth/service'
import { methodNotAllowed } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'
import type { Context, Handler } from '@/lib/http/context'
import { parseBody } from '@/lib/http/parse'
import { limitSignIns } from '@/lib/http/rate-limit'
import { sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

const signIn: Handler<Context> = async (req, res, context) => {
  const body = await parseBody(req, loginBody)
  const signedIn = await limitSignIns(res, { account: body.email, ip: context.ip }, () => login(body, context))
  res.setHeader('Cache-Control', 'no-store')
  sendJson(res, signedIn)
}

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'POST':
      return signIn(req, res, context)
    default:
      throw methodNotAllowed('POST')
  }
})
