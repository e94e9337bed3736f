import Joi from 'joi'
import { object, oneOf, text, type Infer } from '@/lib/validation'

/** E-mails with a link that contains a token, which is encrypted while it is in the queue. */
const tokenMail = object({
  required: { template: oneOf('reset-password', 'verify-email', 'revert-email'), encryptedToken: Joi.string() },
})

const invitationMail = object({
  required: {
    template: oneOf('accept-invitation'),
    encryptedToken: Joi.string(),
    familyName: Joi.string(),
    /** The name and e-mail address of the inviter. */
    inviter: Joi.string(),
  },
})

/** Notifies the owner of an account of a change, in case an attacker made it. */
const noticeMail = object({ required: { template: oneOf('password-changed', 'email-changed', 'api-key-created') } })

/** A template of templates.ts and its parameters. */
const mailContent = Joi.alternatives<
  Infer<typeof tokenMail> | Infer<typeof invitationMail> | Infer<typeof noticeMail>
>().try(tokenMail, invitationMail, noticeMail)
export type MailContent = Infer<typeof mailContent>

export const mailJob = object({
  required: {
    /** The same for all attempts, so that a duplicate is recognised. */
    messageId: Joi.string().guid(),
    to: text({ max: 254 }).email({ tlds: { allow: false } }),
    content: mailContent,
  },
  optional: {
    /** When the link in it expires; it is not sent afterwards. */
    expiresAt: Joi.date().iso(),
  },
})
export type MailJob = Infer<typeof mailJob>
