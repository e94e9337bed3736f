import type { ApiTag } from '@/lib/openapi/operation'
import { user } from '@/lib/domains/users/schema'
import { object } from '@/lib/validation'
import { changePasswordBody, loginBody, registerBody, signedIn } from './schema'

/** Signing up, in and out. */
export const authDomain: ApiTag = {
  tag: 'Authentication',
  description: 'Signing up, in and out.',
  schemas: { SignedIn: signedIn, Registration: registerBody, Credentials: loginBody },
  operations: [
    {
      id: 'register',
      method: 'post',
      path: '/api/auth/register',
      summary: 'Make an account and sign in',
      audience: 'public',
      body: registerBody,
      idempotent: true,
      refreshCookie: 'given',
      answers: { 201: { description: 'Signed in.', schema: signedIn } },
      errors: ['UNAUTHORIZED', 'FORBIDDEN', 'EMAIL_EXISTS'],
      postman: [
        {
          fresh: { email: 'ada-{{$randomUUID}}@example.com', password: '{{$randomUUID}}' },
          keep: { token: 'token', myId: 'user.id' },
        },
      ],
    },
    {
      id: 'changePassword',
      method: 'post',
      path: '/api/auth/change-password',
      summary: 'Change the caller’s password',
      description: 'Every other session of the caller ends.',
      audience: 'user',
      body: changePasswordBody,
      answers: { 204: { description: 'Changed.' } },
      errors: ['INVALID_CREDENTIALS'],
      postman: [
        {
          fresh: { newPassword: '{{$randomUUID}}' },
          body: { currentPassword: '{{password}}', newPassword: '{{newPassword}}' },
        },
        { name: 'Change it back', body: { currentPassword: '{{newPassword}}', newPassword: '{{password}}' } },
      ],
    },
    {
      id: 'login',
      method: 'post',
      path: '/api/auth/login',
      summary: 'Sign in',
      audience: 'public',
      body: loginBody,
      refreshCookie: 'given',
      answers: { 200: { description: 'Signed in.', schema: signedIn } },
      errors: ['INVALID_CREDENTIALS'],
      postman: [
        { keep: { token: 'token', refreshToken: 'refreshToken' } },
        {
          name: 'Sign in as the admin',
          body: { email: '{{adminEmail}}', password: '{{adminPassword}}' },
          keep: { adminToken: 'token' },
        },
        { name: 'Sign in elsewhere', keep: { otherToken: 'token' } },
      ],
    },
    {
      id: 'getMe',
      method: 'get',
      path: '/api/auth/me',
      summary: 'Who is signed in',
      audience: 'user',
      etag: true,
      answers: { 200: { description: 'The caller.', schema: object({ required: { user } }) } },
    },
  ],
}
