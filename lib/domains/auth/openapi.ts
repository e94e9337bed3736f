import { user } from '@/lib/domains/users/schema'
import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { object } from '@/lib/validation'
import { changePasswordBody, loginBody, reauthenticateBody, registerBody, signedIn } from './schema'

export const registerRoute = defineRoute('/api/auth/register', 'public', {
  POST: {
    id: 'register',
    summary: 'Register a new account',
    body: registerBody,
    idempotent: true,
    refreshCookie: 'sent',
    responses: { 201: { description: 'The user and a token pair.', schema: signedIn } },
    errors: ['UNAUTHORIZED', 'FORBIDDEN', 'EMAIL_EXISTS'],
    postman: [
      {
        generate: { email: 'ada-{{$randomUUID}}@example.com', password: '{{$randomUUID}}' },
        store: { token: 'token', myId: 'user.id' },
      },
    ],
  },
})

export const changePasswordRoute = defineRoute(
  '/api/auth/change-password',
  {},
  {
    POST: {
      id: 'changePassword',
      summary: 'Change my password',
      description: 'Revokes all other sessions of the caller and, unless `keepApiKeys` is true, their API keys.',
      body: changePasswordBody,
      responses: { 204: { description: 'Changed.' } },
      errors: ['INVALID_CREDENTIALS'],
      postman: [
        {
          generate: { newPassword: '{{$randomUUID}}' },
          body: { currentPassword: '{{password}}', newPassword: '{{newPassword}}' },
        },
        { name: 'Change it back', body: { currentPassword: '{{newPassword}}', newPassword: '{{password}}' } },
      ],
    },
  },
)

export const reauthenticateRoute = defineRoute(
  '/api/auth/reauthenticate',
  {},
  {
    POST: {
      id: 'reauthenticate',
      summary: 'Confirm my identity again',
      description:
        'Operations that respond with REAUTHENTICATION_REQUIRED need a proof of identity within the last 15 minutes. Logging in is one; this renews it.',
      body: reauthenticateBody,
      responses: { 204: { description: 'Confirmed.' } },
      errors: ['INVALID_CREDENTIALS'],
      postman: [{ body: { password: '{{password}}' } }],
    },
  },
)

export const loginRoute = defineRoute('/api/auth/login', 'public', {
  POST: {
    id: 'login',
    summary: 'Log in',
    body: loginBody,
    refreshCookie: 'sent',
    responses: { 200: { description: 'The user and a token pair.', schema: signedIn } },
    errors: ['INVALID_CREDENTIALS'],
    postman: [
      { store: { token: 'token', refreshToken: 'refreshToken' } },
      {
        name: 'Log in as an admin',
        body: { email: '{{adminEmail}}', password: '{{adminPassword}}' },
        store: { adminToken: 'token' },
      },
      { name: 'Log in on another device', store: { otherToken: 'token' } },
    ],
  },
})

export const meRoute = defineRoute(
  '/api/auth/me',
  {},
  {
    GET: {
      id: 'getMe',
      summary: 'Get the current user',
      etag: true,
      selectable: false,
      responses: { 200: { description: 'The caller.', schema: object({ required: { user } }) } },
    },
  },
)

export const authTag: ApiTag = {
  tag: 'Authentication',
  description: 'Registration, login and logout.',
  schemas: { SignedIn: signedIn, Registration: registerBody, Credentials: loginBody },
  operations: [registerRoute.POST, changePasswordRoute.POST, reauthenticateRoute.POST, loginRoute.POST, meRoute.GET],
}
