import Joi from 'joi'
import { idParameter, object, text, type Infer } from '@/lib/validation'

const URL_MAX_CHARACTERS = 2048
const FIRST_BIRTH_DATE = '1900-01-01'

const nullable = (schema: Joi.StringSchema) => Joi.string<string | null>().concat(schema).allow(null)

/** An http or https URL. Other schemes are rejected because a page may render the value as a link (`javascript:`). */
const webAddress = () =>
  text({ max: URL_MAX_CHARACTERS })
    .trim()
    .uri({ scheme: ['http', 'https'] })
    .custom((value: string, helpers) =>
      /^https?:\/\//i.test(value) && URL.canParse(value) ? value : helpers.error('string.uri'),
    )
    .messages({
      'string.uri': 'must be an http or https URL',
      'string.uriCustomScheme': 'must be an http or https URL',
    })

/** An existing calendar date, `YYYY-MM-DD` (RFC 3339, full-date), that is not in the future in any time zone. */
const pastDate = () =>
  Joi.string()
    .max(100)
    .custom((value: string, helpers) => {
      const time = /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : NaN
      if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== value)
        return helpers.error('date.calendar')
      return value < FIRST_BIRTH_DATE || value > latestDate() ? helpers.error('date.range') : value
    })
    .messages({
      'date.calendar': 'must be a calendar date, YYYY-MM-DD',
      'date.range': `must be between ${FIRST_BIRTH_DATE} and today`,
    })

/** Returns today's date in the earliest time zone, UTC+14. */
function latestDate(): string {
  return new Date(Date.now() + 14 * 3_600_000).toISOString().slice(0, 10)
}

const profileKeys = {
  bio: nullable(text({ max: 2000 })),
  avatarUrl: nullable(webAddress()),
  location: nullable(text({ max: 100 }).trim()),
  website: nullable(webAddress()),
  birthDate: nullable(pastDate()),
}

export const profile = object({ required: profileKeys })
export type Profile = Infer<typeof profile>

/** A complete profile: omitted fields are set to null. */
export const replaceProfileBody = object({
  defaulted: {
    bio: profileKeys.bio.default(null),
    avatarUrl: profileKeys.avatarUrl.default(null),
    location: profileKeys.location.default(null),
    website: profileKeys.website.default(null),
    birthDate: profileKeys.birthDate.default(null),
  },
})

export const profilePath = object({ required: { id: idParameter() } })
