import Joi from 'joi'
import { email, newPassword } from '@/lib/platform/identity/schema'
import { object, text, type Infer } from '@/lib/validation'

const token = () => text({ min: 1, max: 512 })

export const forgotPasswordBody = object({ required: { email: email() } })

export const resetPasswordBody = object({ required: { token: token(), password: newPassword() } })
export type PasswordReset = Infer<typeof resetPasswordBody>

export const verifyEmailBody = object({ required: { token: token() } })

/** Somebody asked for a new password of the account with this address, if there is one. */
export const passwordResetJob = object({
  required: {
    email: email(),
    /** Of the mail to be sent, so that a second try does not make a second one. */
    messageId: Joi.string().guid(),
    /** Where the wish came from, for the audit. */
    origin: object({ required: { ip: Joi.string(), requestId: Joi.string() }, optional: { userAgent: Joi.string() } }),
  },
})
export type PasswordResetJob = Infer<typeof passwordResetJob>
