import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { forgotPasswordBody, resetPasswordBody, revertEmailBody, verifyEmailBody } from './schema'

const TOKEN = 'q3VJ0yZkq1mT5r8xWcN2hB7dLfS4gPaUeYtKoI6vRjM'

export const forgotPasswordRoute = defineRoute('/api/auth/forgot-password', 'public', {
  POST: {
    id: 'forgotPassword',
    summary: 'Request a password reset',
    description: 'The response is the same whether or not an account has the address.',
    body: forgotPasswordBody,
    responses: { 204: { description: 'If the account exists, an email is sent.' } },
  },
})

export const resetPasswordRoute = defineRoute('/api/auth/reset-password', 'public', {
  POST: {
    id: 'resetPassword',
    summary: 'Set a new password with an emailed token',
    description: 'Revokes all sessions and API keys of the account. The token works once.',
    body: resetPasswordBody,
    example: { token: TOKEN, password: 'correct horse battery' },
    responses: { 204: { description: 'The password was changed.' } },
    postman: [{ name: 'Try to set a new password with an invalid token', status: 401 }],
    errors: ['INVALID_TOKEN', 'TOKEN_REUSED', 'TOKEN_EXPIRED'],
  },
})

export const sendVerificationEmailRoute = defineRoute(
  '/api/auth/send-verification-email',
  {},
  {
    POST: {
      id: 'sendVerificationEmail',
      summary: 'Resend the verification email',
      description: 'Sends no email to a verified address, and at most five within an hour.',
      responses: { 204: { description: 'An email is sent if the address is not verified yet.' } },
    },
  },
)

export const verifyEmailRoute = defineRoute('/api/auth/verify-email', 'public', {
  POST: {
    id: 'verifyEmail',
    summary: 'Verify an email address with an emailed token',
    description:
      'The token works once, and only while the account still has the address, or the pending one, which then becomes the address.',
    body: verifyEmailBody,
    example: { token: TOKEN },
    responses: { 204: { description: 'The address is verified.' } },
    postman: [{ name: 'Try to verify an address with an invalid token', status: 401 }],
    errors: ['INVALID_TOKEN', 'TOKEN_REUSED', 'TOKEN_EXPIRED'],
  },
})

export const revertEmailRoute = defineRoute('/api/auth/revert-email', 'public', {
  POST: {
    id: 'revertEmail',
    summary: 'Restore the previous email address with the token mailed to it',
    description:
      'Works once, within 7 days. Revokes all sessions and API keys, and the password if it was changed since: request a password reset.',
    body: revertEmailBody,
    example: { token: TOKEN },
    responses: { 204: { description: 'The previous address is restored.' } },
    postman: [{ name: 'Try to restore an address with an invalid token', status: 401 }],
    errors: ['INVALID_TOKEN', 'TOKEN_REUSED', 'TOKEN_EXPIRED'],
  },
})

export const recoveryTag: ApiTag = {
  tag: 'Recovery',
  description: 'Password resets and email verification, with emailed links.',
  schemas: {},
  operations: [
    forgotPasswordRoute.POST,
    resetPasswordRoute.POST,
    sendVerificationEmailRoute.POST,
    verifyEmailRoute.POST,
    revertEmailRoute.POST,
  ],
}
