import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { pageOf } from '@/lib/platform/pagination/page-schema'
import {
  createFamilyBody,
  EMBEDDED_MEMBERS_MAX,
  family,
  familyPath,
  familyWithMembers,
  listBelowFamilyQuery,
  listFamiliesOfUserQuery,
  listFamiliesQuery,
  memberPath,
  membership,
  updateFamilyBody,
  updateMembershipBody,
} from './schema'

const page = { 200: { description: 'A page of families.', schema: pageOf('families', family) } }

export const familiesRoute = defineRoute(
  '/api/families',
  { scope: 'families' },
  {
    GET: {
      id: 'listFamilies',
      summary: 'List my families',
      parameters: [listFamiliesQuery],
      etag: true,
      list: true,
      responses: page,
    },
    POST: {
      id: 'createFamily',
      summary: 'Create a family',
      description: 'The creator becomes its owner.',
      body: createFamilyBody,
      example: { name: 'The Lovelaces' },
      idempotent: true,
      errors: ['QUOTA_EXCEEDED'],
      postman: [{ store: { firstFamilyId: 'id' } }, { name: 'Create another family' }],
      responses: { 201: { description: 'The family.', schema: familyWithMembers } },
    },
  },
)

export const familiesOfUserRoute = defineRoute(
  '/api/users/{id}/families',
  { scope: 'families' },
  {
    GET: {
      id: 'listFamiliesOfUser',
      summary: 'List a user’s families',
      parameters: [listFamiliesOfUserQuery],
      etag: true,
      list: true,
      postman: [{ path: { id: '{{myId}}' } }],
      responses: page,
    },
  },
)

export const familyRoute = defineRoute(
  '/api/families/{id}',
  { scope: 'families' },
  {
    GET: {
      id: 'getFamily',
      summary: 'Get a family with its members',
      description: `Embeds the first ${EMBEDDED_MEMBERS_MAX} members; the list of members has all.`,
      parameters: [familyPath],
      etag: true,
      responses: { 200: { description: 'The family.', schema: familyWithMembers } },
    },
    PUT: {
      id: 'replaceFamily',
      summary: 'Replace a family',
      description: 'Owners only.',
      parameters: [familyPath],
      body: createFamilyBody,
      example: { name: 'The Lovelaces' },
      ifMatch: true,
      responses: { 200: { description: 'The updated family.', schema: familyWithMembers } },
    },
    PATCH: {
      id: 'updateFamily',
      summary: 'Update a family',
      description: 'Owners only.',
      parameters: [familyPath],
      body: updateFamilyBody,
      example: { name: 'The Kings' },
      ifMatch: true,
      responses: { 200: { description: 'The updated family.', schema: familyWithMembers } },
    },
    DELETE: {
      id: 'deleteFamily',
      summary: 'Delete a family with its invitations and posts',
      description: 'Owners only.',
      parameters: [familyPath],
      ifMatch: true,
      postman: [{ path: { id: '{{firstFamilyId}}' } }],
      responses: { 204: { description: 'Deleted.' } },
    },
  },
)

export const membersRoute = defineRoute(
  '/api/families/{id}/members',
  { scope: 'families' },
  {
    GET: {
      id: 'listMembers',
      summary: 'List the members of a family',
      parameters: [listBelowFamilyQuery],
      etag: true,
      list: true,
      responses: { 200: { description: 'A page of members.', schema: pageOf('members', membership) } },
    },
  },
)

export const memberRoute = defineRoute(
  '/api/families/{id}/members/{userId}',
  { scope: 'families' },
  {
    PATCH: {
      id: 'updateMember',
      summary: 'Change a member’s role',
      description: 'Owners only. The last owner cannot be demoted.',
      parameters: [memberPath],
      body: updateMembershipBody,
      ifMatch: true,
      example: { role: 'owner' },
      postman: [{ path: { userId: '{{myId}}' } }],
      responses: { 200: { description: 'The updated membership.', schema: membership } },
      errors: ['LAST_OWNER'],
    },
    DELETE: {
      id: 'removeMember',
      summary: 'Leave a family, or remove a member',
      description:
        'Members can leave; owners can remove others. A family must have at least one owner. Posts stay in the family.',
      parameters: [memberPath],
      ifMatch: true,
      postman: [{ name: 'Try to leave as the last owner', path: { userId: '{{myId}}' }, status: 409 }],
      responses: { 204: { description: 'Removed.' } },
      errors: ['LAST_OWNER'],
    },
  },
)

export const familiesTag: ApiTag = {
  tag: 'Families',
  description: 'Families and their members. Non-members, including admins, receive 404.',
  schemas: {
    Family: family,
    FamilyWithMembers: familyWithMembers,
    Membership: membership,
    NewFamily: createFamilyBody,
    FamilyChanges: updateFamilyBody,
    MembershipChanges: updateMembershipBody,
  },
  operations: [
    ...familiesRoute.operations,
    ...familiesOfUserRoute.operations,
    ...familyRoute.operations,
    ...membersRoute.operations,
    ...memberRoute.operations,
  ],
}
