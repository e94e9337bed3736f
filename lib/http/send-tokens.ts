import type { NextApiRequest, NextApiResponse } from 'next'
import type { IssuedTokens, SessionMode } from '@/lib/sessions/schema'
import { setRefreshCookie } from './refresh-cookie'
import { sendJson } from './respond'

/** Answers with a pair of tokens beside what else there is to say; the refresh token as a field, or as a cookie. */
export function sendTokens(
  req: NextApiRequest,
  res: NextApiResponse,
  answer: { tokens: IssuedTokens; session: SessionMode | undefined; beside?: object; status?: number },
): void {
  const { token, expiresIn, refreshToken, sessionExpiresAt: expiresAt } = answer.tokens
  const asCookie = answer.session === 'cookie'
  if (asCookie) setRefreshCookie(req, res, { refreshToken, expiresAt })
  // RFC 6749, section 5.1: what carries tokens is kept nowhere.
  res.setHeader('Cache-Control', 'no-store')
  const body = { ...answer.beside, token, expiresIn, ...(!asCookie && { refreshToken }) }
  sendJson(res, body, answer.status ?? 200)
}
