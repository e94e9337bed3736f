import Joi from 'joi'
import { listQuery } from '@/lib/platform/pagination/query'
import { email } from '@/lib/platform/identity/schema'
import { id, idParameter, object, text, timestamp, type Infer } from '@/lib/validation'

/** Used in email headers, where a line break would start another header. */
const name = () =>
  text({ min: 2, max: 100 })
    .trim()
    .pattern(/^\P{Cc}*$/u)
    .messages({ 'string.pattern.base': 'must not contain control characters' })

const source = () => text({ min: 1, max: 100 }).trim()

export const contactBody = object({
  required: { name: name(), email: email(), message: text({ min: 10, max: 5_000 }).trim() },
  optional: {
    /** Honeypot field: the form hides it, so only bots fill it in. */
    website: text({ max: 5_000 }),
  },
})

export const contactQuery = object({ optional: { source: source() } })

export type NewContactMessage = Infer<typeof contactBody> & Infer<typeof contactQuery>

export const contactReceipt = object({
  required: { success: Joi.boolean().valid(true).required(), message: Joi.string() },
})

export const contactMessage = object({
  required: {
    id: id(),
    name: name(),
    email: email(),
    message: Joi.string(),
    source: Joi.string<string | null>().allow(null),
    createdAt: timestamp(),
    /** When the mail transport accepted the email. */
    deliveredAt: Joi.date<Date | null>().iso().allow(null),
  },
})
export type ContactMessage = Infer<typeof contactMessage>

export const contactPath = object({ required: { id: idParameter() } })

export const listContactQuery = listQuery({ optional: {} })
export type ListContactQuery = Infer<typeof listContactQuery>
