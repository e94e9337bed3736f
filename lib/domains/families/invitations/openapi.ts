import { familyPath, listBelowFamilyQuery } from '@/lib/domains/families/schema'
import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { pageOf } from '@/lib/platform/pagination/page-schema'
import { acceptedInvitation, acceptInvitationBody, createInvitationBody, invitation, invitationPath } from './schema'

export const invitationsRoute = defineRoute(
  '/api/families/{id}/invitations',
  { scope: 'families' },
  {
    GET: {
      id: 'listInvitations',
      summary: 'List the pending invitations of a family',
      description: 'Owners only. Only the email contains the token.',
      parameters: [listBelowFamilyQuery],
      etag: true,
      list: true,
      responses: { 200: { description: 'A page of invitations.', schema: pageOf('invitations', invitation) } },
    },
    POST: {
      id: 'createInvitation',
      summary: 'Invite an email address to a family',
      description:
        'Owners only. Sends an email with a link. Replaces a pending invitation to the same address, whose link stops working.',
      parameters: [familyPath],
      body: createInvitationBody,
      idempotent: true,
      postman: [{ generate: { guestEmail: 'guest-{{$randomUUID}}@example.com' }, body: { email: '{{guestEmail}}' } }],
      responses: { 201: { description: 'The invitation.', schema: invitation } },
      errors: ['ALREADY_MEMBER', 'QUOTA_EXCEEDED'],
    },
  },
)

export const invitationRoute = defineRoute(
  '/api/families/{id}/invitations/{invitationId}',
  { scope: 'families' },
  {
    GET: {
      id: 'getInvitation',
      summary: 'Get a pending invitation',
      description: 'Owners only.',
      parameters: [invitationPath],
      etag: true,
      responses: { 200: { description: 'The invitation.', schema: invitation } },
    },
    DELETE: {
      id: 'deleteInvitation',
      summary: 'Revoke a pending invitation',
      description: 'Owners only.',
      parameters: [invitationPath],
      ifMatch: true,
      responses: { 204: { description: 'Revoked.' } },
    },
  },
)

export const acceptInvitationRoute = defineRoute(
  '/api/invitations/accept',
  { scope: 'families' },
  {
    POST: {
      id: 'acceptInvitation',
      summary: 'Accept an invitation',
      description:
        'Only the invited user may accept; anyone else receives INVALID_TOKEN, as does everyone when the sender is no longer an owner.',
      body: acceptInvitationBody,
      postman: [{ name: 'Try to accept an invalid invitation', body: { token: 'invalid' }, status: 401 }],
      responses: { 200: { description: 'The family.', schema: acceptedInvitation } },
      errors: ['INVALID_TOKEN', 'TOKEN_REUSED', 'TOKEN_EXPIRED', 'ALREADY_MEMBER'],
    },
  },
)

export const invitationsTag: ApiTag = {
  tag: 'Invitations',
  description: 'Invitations to families, by email.',
  schemas: { Invitation: invitation, NewInvitation: createInvitationBody, InvitationToken: acceptInvitationBody },
  operations: [...invitationsRoute.operations, ...invitationRoute.operations, ...acceptInvitationRoute.operations],
}
