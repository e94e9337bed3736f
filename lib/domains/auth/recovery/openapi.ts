import type { ApiTag } from '@/lib/openapi/operation'
import { forgotPasswordBody, resetPasswordBody, verifyEmailBody } from './schema'

const TOKEN = 'q3VJ0yZkq1mT5r8xWcN2hB7dLfS4gPaUeYtKoI6vRjM'

/** Proving an e-mail address by a link in a mail. */
export const recoveryDomain: ApiTag = {
  tag: 'Recovery',
  description: 'New passwords and verified addresses, by links that are sent by mail.',
  schemas: {},
  operations: [
    {
      id: 'forgotPassword',
      method: 'post',
      path: '/api/auth/forgot-password',
      summary: 'Ask for a link to set a new password',
      description: 'The answer is the same whether the address belongs to an account or not.',
      audience: 'public',
      body: forgotPasswordBody,
      answers: { 204: { description: 'If there is such an account, a mail is on its way.' } },
    },
    {
      id: 'resetPassword',
      method: 'post',
      path: '/api/auth/reset-password',
      summary: 'Set a new password with the token of a mail',
      description: 'Every session of the account ends. The token works once.',
      audience: 'public',
      body: resetPasswordBody,
      example: { token: TOKEN, password: 'correct horse battery' },
      answers: { 204: { description: 'The password is set.' } },
      postman: [{ name: 'Try to set a new password with a made-up token', status: 401 }],
      errors: ['INVALID_TOKEN', 'TOKEN_REUSED', 'TOKEN_EXPIRED'],
    },
    {
      id: 'sendVerificationEmail',
      method: 'post',
      path: '/api/auth/send-verification-email',
      summary: 'Ask for a link to verify the own address',
      description: 'No mail is sent to an address that is verified, nor more than five within an hour.',
      audience: 'user',
      answers: { 204: { description: 'A mail is on its way, where one is needed.' } },
    },
    {
      id: 'verifyEmail',
      method: 'post',
      path: '/api/auth/verify-email',
      summary: 'Verify an address with the token of a mail',
      description: 'The token works once, and only while the account has the address that it was sent to.',
      audience: 'public',
      body: verifyEmailBody,
      example: { token: TOKEN },
      answers: { 204: { description: 'The address is verified.' } },
      postman: [{ name: 'Try to verify an address with a made-up token', status: 401 }],
      errors: ['INVALID_TOKEN', 'TOKEN_REUSED', 'TOKEN_EXPIRED'],
    },
  ],
}
