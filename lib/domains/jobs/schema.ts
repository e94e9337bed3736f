import Joi from 'joi'
import { listQuery, sortBy } from '@/lib/platform/pagination/query'
import { id, idParameter, object, oneOf, text, timestamp, type Infer } from '@/lib/validation'

/** `waiting`: due or scheduled; `running`: a worker executes it; `failed`: all attempts failed. */
const state = () => oneOf('waiting', 'running', 'failed')

/** A background job, without its payload, which may contain e-mail addresses and encrypted tokens. */
export const job = object({
  required: {
    id: id(),
    name: Joi.string(),
    state: state(),
    attempts: Joi.number().integer().min(0),
    maxAttempts: Joi.number().integer().min(1),
    lastError: Joi.string<string | null>().allow(null),
    /** When it is due, or was due first. */
    runAt: timestamp(),
    createdAt: timestamp(),
    updatedAt: timestamp(),
  },
})
export type Job = Infer<typeof job>

export const listJobsQuery = listQuery({
  optional: { state: state(), name: text({ max: 100 }) },
  sort: sortBy('createdAt', 'runAt'),
})
export type ListJobsQuery = Infer<typeof listJobsQuery>

export const jobPath = object({ required: { id: idParameter() } })

const count = () => Joi.number().integer().min(0)

/** The result of a run: jobs that succeeded, attempts that failed, and jobs that are still due. */
export const jobRun = object({ required: { done: count(), failed: count(), remaining: count() } })
export type JobRun = Infer<typeof jobRun>
