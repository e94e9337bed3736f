import { jobRunRoute } from '@/lib/domains/jobs/openapi'
import { apiHandler } from '@/lib/http/api-handler'
import { requireCronSecret } from '@/lib/http/require-secret'
import { sendJson } from '@/lib/http/respond'
import { runDueJobs } from '@/lib/worker/run-due-jobs'

export const config = { api: { bodyParser: false }, maxDuration: 30 }

export default apiHandler(
  jobRunRoute,
  requireCronSecret(async (_req, res) => {
    res.setHeader('Cache-Control', 'no-store')
    sendJson(res, await runDueJobs())
  }),
)
