import Joi from 'joi'
import { listQuery, sortBy } from '@/lib/platform/pagination/query'
import { id, idParameter, object, oneOf, timestamp, type Infer } from '@/lib/validation'

export const AUDIT_ACTIONS = [
  'sign_in',
  'sign_in_failed',
  'refresh_token_reused',
  'session_ended',
  'reauthenticated',
  'reauthentication_failed',
  'password_changed',
  'password_change_failed',
  'password_reset_requested',
  'password_reset',
  'email_verified',
  'email_change_requested',
  'email_changed',
  'email_reverted',
  'role_changed',
  'user_created',
  'user_deleted',
  'api_key_created',
  'api_key_ended',
  'api_keys_revoked',
  'token_rejected',
  'invitation_created',
  'invitation_accepted',
  'invitation_revoked',
  'member_updated',
  'member_removed',
  'file_read_by_admin',
  'file_link_created',
  'products_imported',
] as const
export type AuditAction = (typeof AUDIT_ACTIONS)[number]

const action = () => oneOf(...AUDIT_ACTIONS)

export type AuditDetails = Record<string, string | number | boolean | null | readonly string[]>

export const auditEvent = object({
  required: {
    id: id(),
    action: Joi.string(),
    /** The account that acted or that a login was attempted for; it may have been deleted since. */
    actorId: Joi.number<number | null>().integer().positive().allow(null),
    ip: Joi.string<string | null>().allow(null),
    requestId: Joi.string<string | null>().allow(null),
    createdAt: timestamp(),
    details: Joi.object().unknown(),
  },
})
export type AuditEvent = Infer<typeof auditEvent>

export const listAuditEventsQuery = listQuery({
  optional: { action: action(), actorId: idParameter() },
  sort: sortBy('createdAt'),
})
export type ListAuditEventsQuery = Infer<typeof listAuditEventsQuery>
