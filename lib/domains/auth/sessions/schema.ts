import Joi from 'joi'
import { object, oneOf, text, timestamp, uuidParameter, type Infer } from '@/lib/validation'

/** `cookie` returns the refresh token in an HttpOnly cookie instead of a field, so that scripts cannot read it. */
export const sessionMode = () => oneOf('cookie')
export type SessionMode = Infer<ReturnType<typeof sessionMode>>

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
    /** True for the session that sends the request. */
    current: Joi.boolean().strict(),
  },
})
export type Session = Infer<typeof session>

export const sessionPath = object({ required: { id: uuidParameter() } })
