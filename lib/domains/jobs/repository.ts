import { prisma } from '@/lib/platform/db/prisma'
import { integerColumn, timestampColumn } from '@/lib/platform/pagination/keyset'
import { paginate } from '@/lib/platform/pagination/paginate'
import type { List } from '@/lib/platform/pagination/query'
import { Prisma } from '@/prisma/generated/client'
import type { Job, ListJobsQuery } from './schema'

/** Error messages may quote any amount of a mail server's response. */
const LAST_ERROR_MAX_CHARACTERS = 1_000

const STATE = Prisma.sql`CASE WHEN job.locked_at IS NOT NULL THEN 'running'
  WHEN job.attempts >= job.max_attempts THEN 'failed' ELSE 'waiting' END`
const FROM = Prisma.sql`graphile_worker._private_jobs AS job JOIN graphile_worker._private_tasks AS task ON task.id = job.task_id`

const COLUMNS = Prisma.sql`job.id::float8 AS id, task.identifier AS name, ${STATE} AS state,
  job.attempts::int AS attempts, job.max_attempts::int AS "maxAttempts",
  left(job.last_error, ${LAST_ERROR_MAX_CHARACTERS}::int) AS "lastError",
  job.run_at AS "runAt", job.created_at AS "createdAt", job.updated_at AS "updatedAt"`

const jobList = {
  name: 'jobs',
  from: FROM,
  id: integerColumn('job.id'),
  fields: {
    createdAt: timestampColumn("date_trunc('milliseconds', job.created_at)"),
    runAt: timestampColumn("date_trunc('milliseconds', job.run_at)"),
  },
  order: [{ field: 'createdAt', direction: 'desc' }],
} as const

/** Lists jobs that are not done, newest first by default. */
export async function listJobs(query: ListJobsQuery): Promise<List<Job>> {
  const where: Prisma.Sql[] = []
  if (query.state !== undefined) where.push(Prisma.sql`${STATE} = ${query.state}`)
  if (query.name !== undefined) where.push(Prisma.sql`task.identifier = ${query.name}`)
  return paginate(jobList, query, {
    where,
    rows: (ids) => prisma().$queryRaw<Job[]>`SELECT ${COLUMNS} FROM ${FROM} WHERE job.id = ANY(${ids}::bigint[])`,
    getId: (row) => row.id,
  })
}

/** Locks a job until the end of the transaction, so that no worker starts it, and returns it. */
export async function lockJob(id: number): Promise<Job | undefined> {
  const [row] = await prisma().$queryRaw<Job[]>`
    SELECT ${COLUMNS} FROM ${FROM} WHERE job.id = ${id}::bigint FOR UPDATE OF job`
  return row
}

/** Makes a job due now, with all its attempts. */
export async function rescheduleJob(id: number): Promise<void> {
  await prisma().$executeRaw`
    SELECT FROM graphile_worker.reschedule_jobs(ARRAY[${id}::bigint], run_at => now(), attempts => 0)`
}

/** Deletes a job that no worker executes. */
export async function deleteJob(id: number): Promise<void> {
  await prisma().$executeRaw`SELECT FROM graphile_worker.complete_jobs(ARRAY[${id}::bigint])`
}
