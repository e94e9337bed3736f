import { jobRetryRoute } from '@/lib/domains/jobs/openapi'
import { jobPath } from '@/lib/domains/jobs/schema'
import { retryJob } from '@/lib/domains/jobs/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendJson } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  jobRetryRoute,
  requireAuth(jobRetryRoute.access, async (req, res) => {
    const { id } = parseQuery(req, jobPath)
    sendJson(res, await retryJob(id))
  }),
)
