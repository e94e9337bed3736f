import Joi from 'joi'
import { listQuery, sortBy } from '@/lib/platform/pagination/query'
import { id, idParameter, integer, object, oneOf, text, timestamp, type Infer } from '@/lib/validation'
import { normalizePath, PATH_MAX_BYTES } from './path'

const LINK_TTL_MAX_SECONDS = 7 * 86_400

const VISIBILITIES = ['private', 'public'] as const
export type Visibility = (typeof VISIBILITIES)[number]

const visibility = () => oneOf(...VISIBILITIES)

/** A file's path: a string or, from a URL, an array of segments. */
const filePath = (): Joi.AnySchema<string> =>
  Joi.any<string>()
    .custom((value: unknown, helpers) => {
      const segments = typeof value === 'string' ? value.split('/') : value
      if (!Array.isArray(segments) || !segments.every((segment) => typeof segment === 'string')) {
        return helpers.error('string.base')
      }
      const result = normalizePath(segments)
      return 'path' in result ? result.path : helpers.error('path.fault', { fault: result.fault })
    })
    .messages({ 'path.fault': '{{#fault}}', 'string.base': 'must be a string' })
    .meta({ jsonSchema: { type: 'string', minLength: 1, maxLength: PATH_MAX_BYTES } })

const exampleOf = (example: string) => ({ jsonSchema: { examples: [example] } })

export const file = object({
  required: {
    id: Joi.string().guid(),
    path: Joi.string().meta(exampleOf('notes/a.txt')),
    ownerId: id(),
    size: Joi.number().integer().min(0),
    mimeType: Joi.string().meta(exampleOf('text/plain')),
    sha256: Joi.string()
      .pattern(/^[0-9a-f]{64}$/)
      .meta(exampleOf('2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824')),
    visibility: visibility(),
    createdAt: timestamp(),
    updatedAt: timestamp(),
  },
})
export type File = Infer<typeof file>

/** The URL parameters of a file. The owner `me` is the caller. */
export const fileUrl = object({
  required: { owner: Joi.alternatives<'me' | number>().try(oneOf('me'), idParameter()), path: filePath() },
})
export type FileUrl = Infer<typeof fileUrl>

/** The URL parameters of a signed link. An invalid signature is no validation error; the link just grants no access. */
export const signedFileUrl = fileUrl.concat(
  object({ optional: { expires: Joi.string().max(1_000), signature: Joi.string().max(1_000) } }),
)

export const updateFileBody = object({ optional: { visibility: visibility(), path: filePath() } }).min(1)
export type FileChanges = Infer<typeof updateFileBody>

export const createLinkBody = object({
  required: { path: filePath(), expiresIn: integer({ min: 1, max: LINK_TTL_MAX_SECONDS }) },
})
export type NewLink = Infer<typeof createLinkBody>

export const fileLink = object({
  required: {
    url: Joi.string().meta(exampleOf('/api/files/42/notes/a.txt?expires=1795254600&signature=jZ7…')),
    expiresAt: timestamp(),
  },
})
export type FileLink = Infer<typeof fileLink>

export const listFilesQuery = listQuery({
  optional: { prefix: text({ min: 1, max: PATH_MAX_BYTES }).normalize('NFC') },
  sort: sortBy('path', 'createdAt', 'updatedAt'),
})
export type ListFilesQuery = Infer<typeof listFilesQuery>
