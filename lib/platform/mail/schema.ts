import Joi from 'joi'
import { object, oneOf, text, type Infer } from '@/lib/validation'

/** Mails with a link that contains a token. The token is encrypted while it is in the queue. */
const tokenMail = object({
  required: { template: oneOf('reset-password', 'verify-email'), encryptedToken: Joi.string() },
})

const invitationMail = object({
  required: {
    template: oneOf('accept-invitation'),
    encryptedToken: Joi.string(),
    familyName: Joi.string(),
    /** Who invites, as the invited person knows them. */
    inviter: Joi.string(),
  },
})

/** Tells the owner of an account what was done with it, in case that was somebody else. */
const noticeMail = object({ required: { template: oneOf('password-changed', 'email-changed') } })

/** What a mail says: a template of templates.ts and what it needs. */
const mailContent = Joi.alternatives<
  Infer<typeof tokenMail> | Infer<typeof invitationMail> | Infer<typeof noticeMail>
>().try(tokenMail, invitationMail, noticeMail)
export type MailContent = Infer<typeof mailContent>

export const mailJob = object({
  required: {
    /** Stays the same over all attempts, so that a mail which arrives twice is recognised as one. */
    messageId: Joi.string().guid(),
    to: text({ max: 254 }).email({ tlds: { allow: false } }),
    content: mailContent,
  },
  optional: {
    /** A link that is dead by then need not be sent any more. */
    expiresAt: Joi.date().iso(),
  },
})
export type MailJob = Infer<typeof mailJob>
