import type { NextApiRequest, NextApiResponse } from 'next'
import type { IssuedTokens, SessionMode } from '@/lib/domains/auth/sessions/schema'
import { refreshCookieHeader } from './refresh-cookie'
import { sendJson } from './respond'

type TokenAnswer = { tokens: IssuedTokens; session: SessionMode | undefined; extra?: object }

/** A pair of tokens extra what else there is to say; the refresh token as a field, or as a cookie. */
export function tokenResponse(
  req: NextApiRequest,
  { tokens, session, extra }: TokenAnswer,
): { headers: Record<string, string>; body: object } {
  const { token, expiresIn, refreshToken, sessionExpiresAt: expiresAt } = tokens
  // RFC 6749, section 5.1: what carries tokens is kept nowhere.
  const noStore = { 'Cache-Control': 'no-store' }
  if (session !== 'cookie') return { headers: noStore, body: { ...extra, token, expiresIn, refreshToken } }
  const cookie = refreshCookieHeader(req, { refreshToken, expiresAt })
  return { headers: { ...noStore, 'Set-Cookie': cookie }, body: { ...extra, token, expiresIn } }
}

/** Answers with a pair of tokens. */
export function sendTokens(req: NextApiRequest, res: NextApiResponse, answer: TokenAnswer): void {
  const { headers, body } = tokenResponse(req, answer)
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  sendJson(res, body)
}
