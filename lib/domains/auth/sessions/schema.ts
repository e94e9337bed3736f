import Joi from 'joi'
import { object, oneOf, text, timestamp, uuidParameter, type Infer } from '@/lib/validation'

/** `cookie` puts the refresh token where no script of the page can read it, in place of the field. */
export const sessionMode = () => oneOf('cookie')
export type SessionMode = Infer<ReturnType<typeof sessionMode>>

const refreshToken = () => text({ min: 1, max: 1024 })

/** Of `POST /api/auth/refresh` and `POST /api/auth/logout`: the token, unless it comes as a cookie. */
export const refreshTokenBody = object({ optional: { refreshToken: refreshToken() } })

export const tokenPair = object({
  required: { token: Joi.string(), expiresIn: Joi.number().integer() },
  optional: { refreshToken: refreshToken() },
})
export type TokenPair = Infer<typeof tokenPair>

/** A pair before it was decided how the refresh token travels. */
export type IssuedTokens = Required<TokenPair> & {
  /** The end of the session, and so of the refresh token. */
  sessionExpiresAt: Date
}

const nullableText = () => Joi.string<string | null>().allow(null)

export const session = object({
  required: {
    id: Joi.string().guid(),
    createdAt: timestamp(),
    /** To the minute. */
    lastUsedAt: timestamp(),
    expiresAt: timestamp(),
    userAgent: nullableText(),
    ip: nullableText(),
    /** Whether it is the one that asks. */
    current: Joi.boolean().strict(),
  },
})
export type Session = Infer<typeof session>

export const sessionPath = object({ required: { id: uuidParameter() } })
