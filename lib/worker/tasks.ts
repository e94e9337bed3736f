import type { Task } from 'graphile-worker'
import { deleteUnreferencedFiles } from '@/lib/domains/files/service'
import { mailContactMessage } from '@/lib/domains/contact/service'
import { logger } from '@/lib/logger'
import { runMailJob } from '@/lib/platform/mail/deliver'
import { issuePasswordReset } from '@/lib/domains/auth/recovery/service'
import { check, type Schema } from '@/lib/validation'
import { jobSchemas, type JobName } from '@/lib/platform/queue/schema'
import { sweeps } from './cleanup'

/** What a job knows of itself. `attempt` counts from 1; `signal` aborts when the worker has to stop. */
export type JobContext = { id: string; attempt: number; signal: AbortSignal }

/** Every sweep has its turn, whatever becomes of the others. */
async function runSweeps(): Promise<void> {
  const errors: unknown[] = []
  for (const [name, sweep] of Object.entries(sweeps)) {
    try {
      const count = await sweep()
      if (count > 0) logger().info({ sweep: name, count }, 'swept')
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, `${errors.length} sweeps failed.`, { cause: errors[0] })
}

/** A job as the queue runs it: checks the payload, tells the log how it went, and leaves the payload out of it. */
function toTask<P>(name: JobName, schema: Schema<P>, run: (payload: P, context: JobContext) => Promise<void>): Task {
  return async (payload, { job, abortSignal }) => {
    const startedAt = performance.now()
    const facts = { job: name, jobId: job.id, attempt: job.attempts }
    try {
      const { value, details } = check(schema, payload, 'payload')
      if (details !== undefined) throw new Error(`The payload is not valid: ${Object.keys(details).join(', ')}`)
      await run(value, { id: job.id, attempt: job.attempts, signal: abortSignal })
    } catch (error) {
      const last = job.attempts >= job.max_attempts
      logger()[last ? 'error' : 'warn']({ ...facts, err: error }, last ? 'a job failed for good' : 'a job failed')
      throw error
    }
    logger().info({ ...facts, durationMs: Math.round(performance.now() - startedAt) }, 'job done')
  }
}

/** What runs each job. */
export const tasks: Record<JobName, Task> = {
  'send-mail': toTask('send-mail', jobSchemas['send-mail'], runMailJob),
  'issue-password-reset': toTask('issue-password-reset', jobSchemas['issue-password-reset'], issuePasswordReset),
  'mail-contact-message': toTask('mail-contact-message', jobSchemas['mail-contact-message'], mailContactMessage),
  sweep: toTask('sweep', jobSchemas.sweep, runSweeps),
  'sweep-files': toTask('sweep-files', jobSchemas['sweep-files'], async () => void (await deleteUnreferencedFiles())),
}
