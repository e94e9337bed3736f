import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { pageOf } from '@/lib/platform/pagination/page-schema'
import { job, jobPath, jobRun, listJobsQuery } from './schema'

export const jobsRoute = defineRoute(
  '/api/jobs',
  { role: 'admin' },
  {
    GET: {
      id: 'listJobs',
      summary: 'List background jobs, newest first',
      description: 'Jobs that are waiting, running or failed permanently. Jobs that are done are deleted.',
      parameters: [listJobsQuery],
      etag: true,
      list: true,
      responses: { 200: { description: 'A page of jobs.', schema: pageOf('jobs', job) } },
    },
  },
)

export const jobRoute = defineRoute(
  '/api/jobs/{id}',
  { role: 'admin' },
  {
    DELETE: {
      id: 'deleteJob',
      summary: 'Delete a background job',
      parameters: [jobPath],
      errors: ['CONFLICT'],
      responses: { 204: { description: 'The job was deleted and is not executed.' } },
      postman: [{ path: { id: '2147483647' }, status: 404 }],
    },
  },
)

export const jobRetryRoute = defineRoute(
  '/api/jobs/{id}/retry',
  { role: 'admin' },
  {
    POST: {
      id: 'retryJob',
      summary: 'Retry a background job now',
      description: 'Makes the job due now and grants it all attempts again.',
      parameters: [jobPath],
      errors: ['CONFLICT'],
      responses: { 200: { description: 'The job.', schema: job } },
      postman: [{ path: { id: '2147483647' }, status: 404 }],
    },
  },
)

// A scheduler that receives 429 would leave jobs undone; the secret is compared before any work.
export const jobRunRoute = defineRoute('/api/jobs/run', 'public', {
  POST: {
    id: 'runJobs',
    summary: 'Run due background jobs',
    description:
      'For hosts without a worker process: runs due jobs and the clean-up for at most 20 seconds. Requires `CRON_SECRET` as the bearer token.',
    rateLimited: false,
    dryRun: false,
    errors: ['UNAUTHORIZED'],
    responses: { 200: { description: 'The result of the run.', schema: jobRun } },
    postman: [{ status: 401 }],
  },
})

export const jobsTag: ApiTag = {
  tag: 'Jobs',
  description: 'Background jobs: e-mails and clean-up.',
  schemas: { Job: job, JobRun: jobRun },
  operations: [jobsRoute.GET, jobRetryRoute.POST, jobRoute.DELETE, jobRunRoute.POST],
}
