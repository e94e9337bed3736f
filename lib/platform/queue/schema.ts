import Joi from 'joi'
import { email } from '@/lib/platform/identity/schema'
import { id, object, type Infer } from '@/lib/validation'
import { mailJob } from './mail-job'

/** A password reset was requested for an address, which may not belong to an account. */
const passwordResetJob = object({
  required: {
    email: email(),
    /** The id of the e-mail, so that a retry does not send a second one. */
    messageId: Joi.string().guid(),
    /** The client that sent the request, for the audit event. */
    client: object({ required: { ip: Joi.string(), requestId: Joi.string() }, optional: { userAgent: Joi.string() } }),
  },
})
export type PasswordResetJob = Infer<typeof passwordResetJob>

const contactMailJob = object({
  required: {
    contactMessageId: id(),
    /** The id of the e-mail, the same for all attempts, so that a duplicate is recognised. */
    mailId: Joi.string().guid(),
  },
})
export type ContactMailJob = Infer<typeof contactMailJob>

/** Job names and payload schemas. Handlers are registered under the same name in worker/tasks.ts. */
export const jobSchemas = {
  'send-mail': mailJob,
  'issue-password-reset': passwordResetJob,
  'mail-contact-message': contactMailJob,
  'clean-up': Joi.object<object>().unknown(),
  'delete-unreferenced-files': Joi.object<object>(),
}

export type JobName = keyof typeof jobSchemas
export type JobPayloads = { [N in JobName]: Infer<(typeof jobSchemas)[N]> }
