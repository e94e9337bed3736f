import { family, familyRole } from '@/lib/domains/families/schema'
import { email } from '@/lib/platform/identity/schema'
import { id, idParameter, object, text, timestamp, type Infer } from '@/lib/validation'

/** An offer of membership. Its token is only in the e-mail. */
export const invitation = object({
  required: { id: id(), email: email(), role: familyRole(), createdAt: timestamp(), expiresAt: timestamp() },
})
export type Invitation = Infer<typeof invitation>

export const createInvitationBody = object({
  required: { email: email() },
  defaulted: { role: familyRole().default('member') },
})
export type NewInvitation = Infer<typeof createInvitationBody>

export const acceptInvitationBody = object({ required: { token: text({ min: 1, max: 512 }) } })

export const acceptedInvitation = object({ required: { family } })

export const invitationPath = object({ required: { id: idParameter(), invitationId: idParameter() } })
