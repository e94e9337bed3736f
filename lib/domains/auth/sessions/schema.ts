import Joi from 'joi'
import { object, oneOf, text, timestamp, uuidParameter, type Infer } from '@/lib/validation'

/** `cookie` returns the refresh token in an HttpOnly cookie instead of a field, so that scripts cannot read it. */
export const sessionMode = () => oneOf('cookie')
export type SessionMode = Infer<ReturnType<typeof sessionMode>>

/**
 * How a user proved their identity. From RFC 8176: `pwd` a password, `otp` a code of an authenticator app, `hwk` and `swk` a
 * passkey that stays on its device or is synchronised, `user` a check of the user by that device, `mfa` several factors.
 * The others are not registered: `email` a mailed code, `fed` an OpenID provider, `recovery` a recovery code.
 */
export const AUTHENTICATION_METHODS = ['pwd', 'otp', 'hwk', 'swk', 'user', 'mfa', 'email', 'fed', 'recovery'] as const
export type AuthenticationMethod = (typeof AUTHENTICATION_METHODS)[number]

export function isAuthenticationMethod(word: string): word is AuthenticationMethod {
  return AUTHENTICATION_METHODS.some((method) => method === word)
}

const refreshToken = () => text({ min: 1, max: 1024 })

/** Body of `POST /api/auth/refresh` and `POST /api/auth/logout`; the token may be sent as a cookie instead. */
export const refreshTokenBody = object({ optional: { refreshToken: refreshToken() } })

export const tokenPair = object({
  required: { token: Joi.string(), expiresIn: Joi.number().integer() },
  optional: { refreshToken: refreshToken() },
})
export type TokenPair = Infer<typeof tokenPair>

/** Issued tokens, before the route decides whether the refresh token becomes a field or a cookie. */
export type IssuedTokens = Required<TokenPair> & {
  /** Expiry of the session and of the refresh token. */
  sessionExpiresAt: Date
}

const nullableText = () => Joi.string<string | null>().allow(null)

export const session = object({
  required: {
    id: Joi.string().guid(),
    createdAt: timestamp(),
    /** Accurate to the minute. */
    lastUsedAt: timestamp(),
    expiresAt: timestamp(),
    userAgent: nullableText(),
    ip: nullableText(),
    /** How the user signed in. */
    amr: Joi.array().items(oneOf(...AUTHENTICATION_METHODS)),
    /** True for the session that sends the request. */
    current: Joi.boolean().strict(),
  },
})
export type Session = Infer<typeof session>

export const sessionPath = object({ required: { id: uuidParameter() } })
