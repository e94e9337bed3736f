import Joi from 'joi'
import { createUserBody, email, newPassword, user } from '@/lib/users/schema'
import { object, text, type Infer } from '@/lib/validation'

export const registerBody = object({
  required: { email: email(), password: newPassword() },
  optional: { name: createUserBody.extract('name') },
})

export const loginBody = object({ required: { email: email(), password: text({ min: 1, max: 1024 }) } })

export const signedIn = object({
  required: { user, token: Joi.string(), expiresIn: Joi.number().integer() },
})
export type SignedIn = Infer<typeof signedIn>
