import { providersRoute } from '@/lib/domains/auth/sign-in/openapi'
import { listProviders } from '@/lib/domains/auth/sign-in/service'
import { apiHandler } from '@/lib/http/api-handler'
import { sendResource } from '@/lib/http/etag'

export const config = { api: { bodyParser: false } }

export default apiHandler(providersRoute, (req, res) => {
  sendResource(req, res, listProviders())
})
