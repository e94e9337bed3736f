import type { NextApiRequest, NextApiResponse } from 'next'
import type { IssuedTokens, SessionMode } from '@/lib/domains/auth/sessions/schema'
import { isDryRun } from '@/lib/platform/db/transaction'
import { refreshCookieHeader } from './refresh-cookie'
import { sendJson } from './respond'

/** Sent by dry runs: other services might accept a signed token of a session that was never stored. */
const VOID_TOKENS = { token: 'dry-run', refreshToken: 'dry-run' }

type TokenResponse = { tokens: IssuedTokens; session: SessionMode | undefined; extra?: object }

/** Builds the response with a token pair and `extra` fields; the refresh token is a field or a cookie. */
export function tokenResponse(
  req: NextApiRequest,
  { tokens, session, extra }: TokenResponse,
): { headers: Record<string, string>; body: object } {
  const { expiresIn, sessionExpiresAt: expiresAt } = tokens
  const { token, refreshToken } = isDryRun() ? VOID_TOKENS : tokens
  // RFC 6749, section 5.1: responses with tokens must not be stored.
  const noStore = { 'Cache-Control': 'no-store' }
  if (session !== 'cookie') return { headers: noStore, body: { ...extra, token, expiresIn, refreshToken } }
  const cookie = refreshCookieHeader(req, { refreshToken, expiresAt })
  return { headers: { ...noStore, 'Set-Cookie': cookie }, body: { ...extra, token, expiresIn } }
}

/** Sends a token pair. */
export function sendTokens(req: NextApiRequest, res: NextApiResponse, response: TokenResponse): void {
  const { headers, body } = tokenResponse(req, response)
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  sendJson(res, body)
}
