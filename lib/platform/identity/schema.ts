import Joi from 'joi'
import { id, object, oneOf, text } from '@/lib/validation'
import { commonPasswordError, PASSWORD_MIN_CHARACTERS } from './password-rules'

const ROLES = ['user', 'admin'] as const
export type Role = (typeof ROLES)[number]

export const role = () => oneOf(...ROLES)

/** An e-mail address, trimmed and lower-cased because addresses are compared without case. Allows any top-level domain. */
export const email = () =>
  text({ max: 254 })
    .trim()
    .lowercase()
    .email({ tlds: { allow: false } })

/** bcrypt ignores bytes past this length (UTF-8). */
const PASSWORD_MAX_BYTES = 72

export const newPassword = () =>
  text({ min: PASSWORD_MIN_CHARACTERS, max: PASSWORD_MAX_BYTES })
    .custom((value: string, helpers) =>
      Buffer.byteLength(value) > PASSWORD_MAX_BYTES
        ? helpers.error('string.max', { limit: PASSWORD_MAX_BYTES })
        : value,
    )
    .custom((value: string, helpers) => {
      const problem = commonPasswordError(value)
      return problem === undefined ? value : helpers.error('password.common', { problem })
    })
    .messages({
      'password.common': '{{#problem}}',
      'string.max': `must be ${PASSWORD_MAX_BYTES} bytes of UTF-8 or fewer`,
    })

/** Breaks lines or reorders text (Unicode TR 36). Joiners are part of words in Persian, of Indic scripts and of emoji. */
const NOT_IN_NAMES = /[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/u

/** Mail clients turn it into a link. */
const LINK = /:\/\/|\bwww\./iu

/** A name that e-mails to other people contain, in which it must not look like a sentence of ours. */
export const displayName = () =>
  text({ min: 1, max: 100 })
    .trim()
    .custom((value: string, helpers) => {
      if (NOT_IN_NAMES.test(value)) return helpers.error('name.characters')
      return LINK.test(value) ? helpers.error('name.link') : value
    })
    .messages({
      'name.characters': 'must not contain control or formatting characters',
      'name.link': 'must not contain a link',
    })

/** The name of a user, which is optional. */
export const personName = () => Joi.string<string | null>().concat(displayName()).allow(null)

/** The user who created a resource, as embedded in it. */
export const author = () => object({ required: { id: id(), name: personName() } })
