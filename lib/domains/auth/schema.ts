import Joi from 'joi'
import { sessionMode, tokenPair } from '@/lib/domains/auth/sessions/schema'
import { user } from '@/lib/domains/users/schema'
import { email, newPassword, personName } from '@/lib/platform/identity/schema'
import { object, text } from '@/lib/validation'

/** A password to check. It has no rules of form, because those may have changed since it was set. */
const password = () => text({ min: 1, max: 1024 })

export const registerBody = object({
  required: { email: email(), password: newPassword() },
  optional: { name: personName(), session: sessionMode() },
})

export const loginBody = object({
  required: { email: email(), password: password() },
  optional: { session: sessionMode() },
})

export const reauthenticateBody = object({ required: { password: password() } })

export const signedIn = object({
  required: { user, token: tokenPair.extract('token'), expiresIn: tokenPair.extract('expiresIn') },
  optional: { refreshToken: tokenPair.extract('refreshToken') },
})

export const changePasswordBody = object({
  required: { currentPassword: password(), newPassword: newPassword() },
  defaulted: { keepApiKeys: Joi.boolean().strict().default(false) },
})
