import Joi from 'joi'
import { listQuery, sortBy } from '@/lib/platform/pagination/query'
import { email, newPassword, personName, role } from '@/lib/platform/identity/schema'
import { id, idParameter, object, text, timestamp, type Infer } from '@/lib/validation'

export const userKeys = {
  id: id(),
  email: email(),
  name: personName(),
  role: role(),
  emailVerified: Joi.boolean().strict(),
  createdAt: timestamp(),
  updatedAt: timestamp(),
}

export const user = object({ required: userKeys })
export type User = Infer<typeof user>

export const createUserBody = object({
  required: { email: email(), password: newPassword() },
  optional: { name: personName(), role: role() },
})
export type NewUser = Infer<typeof createUserBody>

export const replaceUserBody = object({
  required: { email: email(), name: personName() },
  optional: { role: role() },
})

export const updateUserBody = object({
  optional: { email: email(), name: personName(), role: role() },
}).min(1)
export type UserChanges = Infer<typeof updateUserBody>

export const userPath = object({ required: { id: idParameter() } })

export const listUsersQuery = listQuery({
  optional: { q: text({ min: 1, max: 100 }), role: role() },
  sort: sortBy('name', 'email', 'createdAt'),
})
export type ListUsersQuery = Infer<typeof listUsersQuery>
