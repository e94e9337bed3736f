import Joi from 'joi'
import { contactMailJob } from '@/lib/domains/contact/schema'
import { mailJob } from '@/lib/platform/mail/schema'
import { passwordResetJob } from '@/lib/domains/auth/recovery/schema'
import type { Infer } from '@/lib/validation'

/** Every job that there is, and what its payload looks like. What runs it stands under the same name in tasks.ts. */
export const jobSchemas = {
  'send-mail': mailJob,
  'issue-password-reset': passwordResetJob,
  'mail-contact-message': contactMailJob,
  sweep: Joi.object<object>().unknown(),
  'sweep-files': Joi.object<object>(),
}

export type JobName = keyof typeof jobSchemas
export type JobPayloads = { [N in JobName]: Infer<(typeof jobSchemas)[N]> }
