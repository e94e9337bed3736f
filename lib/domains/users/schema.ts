import Joi from 'joi'
import { family, type Family } from '@/lib/domains/families/schema'
import { post, type Post } from '@/lib/domains/posts/schema'
import { profile } from '@/lib/domains/profiles/schema'
import { listQuery, sortBy } from '@/lib/platform/pagination/query'
import { email, newPassword, personName, role } from '@/lib/platform/identity/schema'
import type { Scope } from '@/lib/platform/identity/scopes'
import { id, idParameter, object, text, timestamp, type Infer } from '@/lib/validation'

const userKeys = {
  id: id(),
  email: email(),
  /** Replaces `email` when its link is opened. */
  pendingEmail: Joi.string<string | null>().concat(email()).allow(null),
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

/** Maximum number of included posts, and of included families. */
export const MAX_INCLUDED_ITEMS = 20

const INCLUSIONS = ['profile', 'posts', 'families'] as const
export type Inclusion = (typeof INCLUSIONS)[number]

/** The scope that an API key needs for each inclusion. */
export const INCLUSION_SCOPES = {
  profile: 'users:read',
  posts: 'posts:read',
  families: 'families:read',
} as const satisfies Record<Inclusion, Scope>

const isInclusion = (word: string): word is Inclusion => INCLUSIONS.some((name) => name === word)

/** Parses `?include=profile,posts`. */
const include = () =>
  Joi.any<Inclusion[]>()
    .custom((value: unknown, helpers) => {
      const words = typeof value === 'string' ? value.split(',') : ['']
      const known = words.filter(isInclusion)
      return known.length === new Set(words).size && known.length === words.length ? known : helpers.error('include')
    })
    .meta({ jsonSchema: { type: 'array', items: { type: 'string', enum: INCLUSIONS }, uniqueItems: true } })
    .messages({ include: `must be a comma-separated list of: ${INCLUSIONS.join(', ')}` })

export const showUserQuery = object({ required: { id: idParameter() }, defaulted: { include: include().default([]) } })

export const userWithInclusions = object({
  required: userKeys,
  optional: {
    profile,
    posts: Joi.array<Post[]>().items(post).max(MAX_INCLUDED_ITEMS),
    families: Joi.array<Family[]>().items(family).max(MAX_INCLUDED_ITEMS),
  },
})
export type UserWithInclusions = Infer<typeof userWithInclusions>
