import { familyPath, listBelowFamilyQuery } from '@/lib/domains/families/schema'
import { pageOf } from '@/lib/platform/pagination/page-schema'
import type { ApiTag } from '@/lib/openapi/operation'
import { acceptedInvitation, acceptInvitationBody, createInvitationBody, invitation, invitationPath } from './schema'

const path = '/api/families/{id}/invitations'

/** Offers of membership by mail. */
export const invitationsDomain: ApiTag = {
  tag: 'Invitations',
  description: 'Offers of membership in a family, by mail.',
  schemas: { Invitation: invitation, NewInvitation: createInvitationBody, InvitationToken: acceptInvitationBody },
  operations: [
    {
      id: 'listInvitations',
      method: 'get',
      path,
      summary: 'List the open invitations of a family',
      description: 'For its owners. The token of an invitation is in its mail alone.',
      audience: 'user',
      scope: 'families:read',
      parameters: [listBelowFamilyQuery],
      etag: true,
      list: true,
      answers: { 200: { description: 'A page of invitations.', schema: pageOf('invitations', invitation) } },
    },
    {
      id: 'createInvitation',
      method: 'post',
      path,
      summary: 'Invite an address to a family',
      description:
        'For its owners. A mail with a link follows. A new invitation takes the place of an open one to the same address, whose link is dead from then on.',
      audience: 'user',
      scope: 'families:write',
      parameters: [familyPath],
      body: createInvitationBody,
      idempotent: true,
      postman: [{ fresh: { guestEmail: 'guest-{{$randomUUID}}@example.com' }, body: { email: '{{guestEmail}}' } }],
      answers: { 201: { description: 'The invitation.', schema: invitation } },
      errors: ['ALREADY_MEMBER'],
    },
    {
      id: 'deleteInvitation',
      method: 'delete',
      path: '/api/families/{id}/invitations/{invitationId}',
      summary: 'Take an open invitation back',
      description: 'For owners of the family.',
      audience: 'user',
      scope: 'families:write',
      parameters: [invitationPath],
      ifMatch: true,
      answers: { 204: { description: 'Taken back.' } },
    },
    {
      id: 'acceptInvitation',
      method: 'post',
      path: '/api/invitations/accept',
      summary: 'Become a member by the token of an invitation',
      description: 'For the user whose e-mail address was invited; to anybody else the token is as good as made up.',
      audience: 'user',
      scope: 'families:write',
      body: acceptInvitationBody,
      postman: [{ name: 'Try to accept an invitation with a made-up token', body: { token: 'made-up' }, status: 401 }],
      answers: { 200: { description: 'The family.', schema: acceptedInvitation } },
      errors: ['INVALID_TOKEN', 'TOKEN_REUSED', 'TOKEN_EXPIRED', 'ALREADY_MEMBER'],
    },
  ],
}
