import { pageOf } from '@/lib/platform/pagination/page-schema'
import type { ApiTag } from '@/lib/openapi/operation'
import { MAX_INCLUDED_ITEMS, showUserQuery, userWithInclusions } from './include-schema'
import { createUserBody, listUsersQuery, replaceUserBody, updateUserBody, user, userPath } from './schema'

const path = '/api/users/{id}'

const otherAccount = { email: '{{otherEmail}}', password: '{{password}}', name: 'Grace' }

/** Accounts as resources. */
export const usersDomain: ApiTag = {
  tag: 'Users',
  description: 'Accounts. A user sees and changes their own; an admin everybody’s.',
  schemas: {
    User: user,
    UserWithInclusions: userWithInclusions,
    NewUser: createUserBody,
    UserReplacement: replaceUserBody,
    UserChanges: updateUserBody,
  },
  operations: [
    {
      id: 'createUser',
      method: 'post',
      path: '/api/users',
      summary: 'Make an account',
      description:
        'Open to everybody while the server allows sign-ups, else to admins. A `role` is the admins’ to give.',
      audience: 'optional',
      scope: 'users:write',
      body: createUserBody,
      idempotent: true,
      answers: { 201: { description: 'The user.', schema: user } },
      errors: ['EMAIL_EXISTS'],
      postman: [{ as: 'nobody', fresh: { otherEmail: 'grace-{{$randomUUID}}@example.com' }, body: otherAccount }],
    },
    {
      id: 'listUsers',
      method: 'get',
      path: '/api/users',
      summary: 'List all users',
      audience: 'admin',
      scope: 'users:read',
      parameters: [listUsersQuery],
      etag: true,
      list: true,
      answers: { 200: { description: 'A page of users.', schema: pageOf('users', user) } },
    },
    {
      id: 'getUser',
      method: 'get',
      path,
      summary: 'Read a user',
      description: `\`include\` embeds the profile, the newest ${MAX_INCLUDED_ITEMS} posts and the first ${MAX_INCLUDED_ITEMS} families. An API key needs the scopes of what it names.`,
      audience: 'self',
      scope: 'users:read',
      parameters: [showUserQuery],
      postman: [{ as: 'adminToken' }],
      etag: true,
      answers: { 200: { description: 'The user.', schema: userWithInclusions } },
    },
    {
      id: 'replaceUser',
      method: 'put',
      path,
      summary: 'Replace a user’s data',
      description: 'A new e-mail address is an unverified one.',
      audience: 'self',
      scope: 'users:write',
      parameters: [userPath],
      postman: [{ as: 'adminToken', body: { email: '{{otherEmail}}', name: 'Grace Hopper' } }],
      body: replaceUserBody,
      ifMatch: true,
      answers: { 200: { description: 'The user as it is now.', schema: user } },
      errors: ['EMAIL_EXISTS'],
    },
    {
      id: 'updateUser',
      method: 'patch',
      path,
      summary: 'Change some of a user’s data',
      description: 'A new e-mail address is an unverified one.',
      audience: 'self',
      scope: 'users:write',
      parameters: [userPath],
      postman: [{ as: 'adminToken' }],
      body: updateUserBody,
      example: { name: 'Ada King' },
      ifMatch: true,
      answers: { 200: { description: 'The user as it is now.', schema: user } },
      errors: ['EMAIL_EXISTS'],
    },
    {
      id: 'deleteUser',
      method: 'delete',
      path,
      summary: 'Delete a user with everything they own',
      audience: 'self',
      scope: 'users:write',
      parameters: [userPath],
      postman: [{ as: 'adminToken' }],
      ifMatch: true,
      answers: { 204: { description: 'Deleted.' } },
      errors: ['LAST_OWNER'],
    },
  ],
}
