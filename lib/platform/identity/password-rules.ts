import type * as LanguageCommon from '@zxcvbn-ts/language-common'
import { config } from '@/lib/config'
import { validationError } from '@/lib/errors'
import { processSingleton } from '@/lib/process-singleton'

export const PASSWORD_MIN_CHARACTERS = 8

/** Lower-case. Loaded with the first password that is set, since it takes tens of milliseconds and some megabytes. */
const commonPasswords = processSingleton('common-passwords', (): ReadonlySet<string> => {
  const { dictionary }: typeof LanguageCommon = require('@zxcvbn-ts/language-common')
  return new Set(dictionary['passwords-common'].filter(({ length }) => length >= PASSWORD_MIN_CHARACTERS))
})

/** Returns why a password is among the first that an attacker tries (OWASP ASVS 5.0, 6.2.4), otherwise undefined. */
export function commonPasswordError(password: string): string | undefined {
  if (!config().passwordDenyList) return undefined
  if (/^(.)\1*$/su.test(password)) return 'must not be one repeated character'
  if (commonPasswords().has(password.toLowerCase())) return 'must not be one of the most common passwords'
  return undefined
}

const normalise = (text: string) => text.toLowerCase().replace(/\s/gu, '')

/**
 * Checks that a password is not the e-mail address, its local part or the name of the account.
 * @throws VALIDATION_ERROR on `field`
 */
export function assertNotPersonal(
  password: string,
  { email, name }: { email: string; name?: string | null | undefined },
  field = 'password',
): void {
  if (!config().passwordDenyList) return
  const known = [email, email.slice(0, email.lastIndexOf('@')), name ?? ''].map(normalise)
  if (known.includes(normalise(password))) {
    throw validationError({ [field]: ['must not be the e-mail address or the name'] })
  }
}
