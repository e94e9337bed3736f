import Joi from 'joi'
import { object } from '@/lib/validation'

/** The response of `GET /api/auth/providers`: the ways to sign in that this server offers. */
export const providers = object({
  required: {
    password: Joi.boolean().strict(),
    /** A code that is mailed to the address of an account. */
    emailCode: Joi.boolean().strict(),
    passkeys: Joi.boolean().strict(),
    /** OpenID providers; `name` is part of their URLs. */
    oidc: Joi.array().items(object({ required: { name: Joi.string(), displayName: Joi.string() } })),
  },
})
