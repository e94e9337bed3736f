import Joi from 'joi'
import { listQuery } from '@/lib/platform/pagination/query'
import { displayName, email, personName } from '@/lib/platform/identity/schema'
import { id, idParameter, object, oneOf, timestamp, type Infer } from '@/lib/validation'

const FAMILY_ROLES = ['owner', 'member'] as const
export type FamilyRole = (typeof FAMILY_ROLES)[number]

/** Maximum number of members in the representation of a family; the list of members is complete. */
export const EMBEDDED_MEMBERS_MAX = 100

export const familyRole = () => oneOf(...FAMILY_ROLES)

const familyKeys = { id: id(), name: displayName(), createdAt: timestamp(), updatedAt: timestamp() }

export const family = object({ required: familyKeys })
export type Family = Infer<typeof family>

export const membership = object({
  required: {
    user: object({ required: { id: id(), name: personName(), email: email() } }),
    role: familyRole(),
    joinedAt: timestamp(),
  },
})
export type Membership = Infer<typeof membership>

export const familyWithMembers = object({
  required: { ...familyKeys, members: Joi.array<Membership[]>().items(membership) },
})
export type FamilyWithMembers = Infer<typeof familyWithMembers>

export const createFamilyBody = object({ required: { name: displayName() } })
export const updateFamilyBody = object({ optional: { name: displayName() } }).min(1)
export type FamilyChanges = Infer<typeof updateFamilyBody>

export const updateMembershipBody = object({ required: { role: familyRole() } })

export const familyPath = object({ required: { id: idParameter() } })
export const memberPath = object({ required: { id: idParameter(), userId: idParameter() } })

export const listFamiliesQuery = listQuery({ optional: {} })
export const listBelowFamilyQuery = listQuery({ optional: {}, path: { id: idParameter() } })
export const listFamiliesOfUserQuery = listBelowFamilyQuery
