import { jobsRoute } from '@/lib/domains/jobs/openapi'
import { listJobsQuery } from '@/lib/domains/jobs/schema'
import { listJobs } from '@/lib/domains/jobs/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendList } from '@/lib/http/send-list'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  jobsRoute,
  requireAuth(jobsRoute.access, async (req, res) => {
    const query = parseQuery(req, listJobsQuery)
    sendList(req, res, { plural: 'jobs', request: query, list: await listJobs(query) })
  }),
)
