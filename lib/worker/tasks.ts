import type { Task } from 'graphile-worker'
import { deleteUnreferencedFiles } from '@/lib/domains/files/service'
import { mailContactMessage } from '@/lib/domains/contact/service'
import { logger } from '@/lib/logger'
import { runMailJob } from '@/lib/platform/mail/deliver'
import { issuePasswordReset } from '@/lib/domains/auth/recovery/service'
import { check, type Schema } from '@/lib/validation'
import { jobSchemas, type JobName } from '@/lib/platform/queue/schema'
import { cleanupTasks } from './cleanup'

/** `attempt` counts from 1; `signal` aborts when the worker has to stop. */
export type JobContext = { id: string; attempt: number; signal: AbortSignal }

/** Runs every clean-up task, even if one fails, until `signal` is aborted. */
export async function cleanUp(signal?: AbortSignal): Promise<void> {
  const errors: unknown[] = []
  for (const [task, deleteBatch] of Object.entries(cleanupTasks)) {
    if (signal?.aborted === true) break
    try {
      const count = await deleteBatch()
      if (count > 0) logger().info({ task, count }, 'clean-up finished')
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0)
    throw new AggregateError(errors, `${errors.length} clean-up tasks failed.`, { cause: errors[0] })
}

/** Wraps a handler as a task of the queue: validates the payload and logs the result, without the payload. */
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
      logger()[last ? 'error' : 'warn']({ ...facts, err: error }, last ? 'job failed permanently' : 'job failed')
      throw error
    }
    logger().info({ ...facts, durationMs: Math.round(performance.now() - startedAt) }, 'job done')
  }
}

export const tasks: Record<JobName, Task> = {
  'send-mail': toTask('send-mail', jobSchemas['send-mail'], runMailJob),
  'issue-password-reset': toTask('issue-password-reset', jobSchemas['issue-password-reset'], issuePasswordReset),
  'mail-contact-message': toTask('mail-contact-message', jobSchemas['mail-contact-message'], mailContactMessage),
  'clean-up': toTask('clean-up', jobSchemas['clean-up'], (_payload, { signal }) => cleanUp(signal)),
  'delete-unreferenced-files': toTask(
    'delete-unreferenced-files',
    jobSchemas['delete-unreferenced-files'],
    async () => void (await deleteUnreferencedFiles()),
  ),
}
