import { jobRoute } from '@/lib/domains/jobs/openapi'
import { jobPath } from '@/lib/domains/jobs/schema'
import { deleteJob } from '@/lib/domains/jobs/service'
import { apiHandler } from '@/lib/http/api-handler'
import { parseQuery } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { sendNoContent } from '@/lib/http/respond'

export const config = { api: { bodyParser: false } }

export default apiHandler(
  jobRoute,
  requireAuth(jobRoute.access, async (req, res) => {
    const { id } = parseQuery(req, jobPath)
    await deleteJob(id)
    sendNoContent(res)
  }),
)
