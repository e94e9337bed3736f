import Joi from 'joi'
import { listQuery, sortBy } from '@/lib/platform/pagination/query'
import { id, idParameter, object, oneOf, text, timestamp, type Infer } from '@/lib/validation'

const ROLES = ['user', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** bcrypt reads no further than this (bytes of UTF-8). */
const PASSWORD_MAX_BYTES = 72
const PASSWORD_MIN_CHARACTERS = 8

/** An e-mail address, trimmed and lower-cased: addresses compare without case. Any top-level domain will do. */
export const email = () =>
  text({ max: 254 })
    .trim()
    .lowercase()
    .email({ tlds: { allow: false } })

/** A new password. */
export const newPassword = () =>
  text({ min: PASSWORD_MIN_CHARACTERS, max: PASSWORD_MAX_BYTES })
    .custom((value: string, helpers) =>
      Buffer.byteLength(value) > PASSWORD_MAX_BYTES
        ? helpers.error('string.max', { limit: PASSWORD_MAX_BYTES })
        : value,
    )
    .messages({ 'string.max': `must be ${PASSWORD_MAX_BYTES} bytes of UTF-8 or fewer` })

const name = () => text({ min: 1, max: 100 }).trim()
export const nullableName = () => Joi.string<string | null>().concat(name()).allow(null)
const role = () => oneOf(...ROLES)

export const userKeys = {
  id: id(),
  email: email(),
  name: nullableName(),
  role: role(),
  emailVerified: Joi.boolean().strict(),
  createdAt: timestamp(),
  updatedAt: timestamp(),
}

export const user = object({ required: userKeys })
export type User = Infer<typeof user>

export const createUserBody = object({
  required: { email: email(), password: newPassword() },
  optional: { name: nullableName(), role: role() },
})
export type NewUser = Infer<typeof createUserBody>

export const replaceUserBody = object({
  required: { email: email(), name: nullableName() },
  optional: { role: role() },
})

export const updateUserBody = object({
  optional: { email: email(), name: nullableName(), role: role() },
}).min(1)
export type UserChanges = Infer<typeof updateUserBody>

export const userPath = object({ required: { id: idParameter() } })

export const listUsersQuery = listQuery({
  optional: { q: text({ min: 1, max: 100 }), role: role() },
  sort: sortBy('name', 'email', 'createdAt'),
})
export type ListUsersQuery = Infer<typeof listUsersQuery>
