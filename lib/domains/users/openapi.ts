import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { pageOf } from '@/lib/platform/pagination/page-schema'
import { createUserBody, listUsersQuery, MAX_INCLUDED_ITEMS, replaceUserBody, showUserQuery } from './schema'
import { updateUserBody, user, userPath, userWithInclusions } from './schema'

const otherAccount = { email: '{{otherEmail}}', password: '{{password}}', name: 'Grace' }

export const usersRoute = defineRoute('/api/users', {
  GET: {
    id: 'listUsers',
    summary: 'List all users',
    access: { scope: 'users:read', role: 'admin' },
    parameters: [listUsersQuery],
    etag: true,
    list: true,
    responses: { 200: { description: 'A page of users.', schema: pageOf('users', user) } },
  },
  POST: {
    id: 'createUser',
    summary: 'Create a user',
    description:
      'Open to everyone if the server allows registration, otherwise admins only. Only admins may set `role`, and not with an API key.',
    access: { scope: 'users:write', optional: true },
    body: createUserBody,
    idempotent: true,
    responses: { 201: { description: 'The user.', schema: user } },
    errors: ['EMAIL_EXISTS'],
    postman: [{ as: 'anonymous', generate: { otherEmail: 'grace-{{$randomUUID}}@example.com' }, body: otherAccount }],
  },
})

export const userRoute = defineRoute('/api/users/{id}', {
  GET: {
    id: 'getUser',
    summary: 'Get a user',
    access: { scope: 'users:read' },
    description: `\`include\` embeds the profile, the newest ${MAX_INCLUDED_ITEMS} posts and the first ${MAX_INCLUDED_ITEMS} families. An API key needs the scope of each.`,
    parameters: [showUserQuery],
    postman: [{ as: 'adminToken' }],
    etag: true,
    responses: { 200: { description: 'The user.', schema: userWithInclusions } },
  },
  PUT: {
    id: 'replaceUser',
    summary: 'Replace a user',
    access: { scope: 'users:write', recent: 'sometimes' },
    description:
      'A new email address needs a recent proof of identity and is pending until its link is opened. Set by an admin, it takes effect immediately, unverified.',
    parameters: [userPath],
    postman: [{ as: 'adminToken', body: { email: '{{otherEmail}}', name: 'Grace Hopper' } }],
    body: replaceUserBody,
    ifMatch: true,
    responses: { 200: { description: 'The updated user.', schema: user } },
    errors: ['EMAIL_EXISTS'],
  },
  PATCH: {
    id: 'updateUser',
    summary: 'Update a user',
    access: { scope: 'users:write', recent: 'sometimes' },
    description:
      'A new email address needs a recent proof of identity and is pending until its link is opened. Set by an admin, it takes effect immediately, unverified.',
    parameters: [userPath],
    postman: [{ as: 'adminToken' }],
    body: updateUserBody,
    example: { name: 'Ada King' },
    ifMatch: true,
    responses: { 200: { description: 'The updated user.', schema: user } },
    errors: ['EMAIL_EXISTS'],
  },
  DELETE: {
    id: 'deleteUser',
    summary: 'Delete a user and everything they own',
    description: 'Needs a recent proof of identity.',
    access: { recent: true },
    parameters: [userPath],
    postman: [{ as: 'adminToken' }],
    ifMatch: true,
    responses: { 204: { description: 'Deleted.' } },
    errors: ['LAST_OWNER'],
  },
})

export const usersTag: ApiTag = {
  tag: 'Users',
  description: 'Accounts. Users can read and change their own account, admins any account.',
  schemas: {
    User: user,
    UserWithInclusions: userWithInclusions,
    NewUser: createUserBody,
    UserReplacement: replaceUserBody,
    UserChanges: updateUserBody,
  },
  operations: [...usersRoute.operations, ...userRoute.operations],
}
