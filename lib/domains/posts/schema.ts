import Joi from 'joi'
import { listQuery } from '@/lib/platform/pagination/query'
import { author } from '@/lib/platform/identity/schema'
import { id, idParameter, integer, object, oneOf, text, timestamp, type Infer } from '@/lib/validation'

const VISIBILITIES = ['public', 'family', 'private'] as const
export type Visibility = (typeof VISIBILITIES)[number]

const INT4_MAX = 2_147_483_647

const title = () => text({ min: 1, max: 200 }).trim()
const content = () => text({ min: 1, max: 50_000 })
const visibility = () => oneOf(...VISIBILITIES)
const familyId = () =>
  Joi.number<number | null>()
    .concat(integer({ min: 1, max: INT4_MAX }))
    .allow(null)

export const post = object({
  required: {
    id: id(),
    title: title(),
    content: content(),
    visibility: visibility(),
    familyId: familyId(),
    author: author(),
    createdAt: timestamp(),
    updatedAt: timestamp(),
  },
})
export type Post = Infer<typeof post>

/** Posts are private by default. */
export const createPostBody = object({
  required: { title: title(), content: content() },
  defaulted: { visibility: visibility().default('private'), familyId: familyId().default(null) },
})

export const replacePostBody = object({
  required: { title: title(), content: content(), visibility: visibility() },
  defaulted: { familyId: familyId().default(null) },
})
export type PostContent = Infer<typeof replacePostBody>

export const updatePostBody = object({
  optional: { title: title(), content: content(), visibility: visibility(), familyId: familyId() },
}).min(1)
export type PostChanges = Infer<typeof updatePostBody>

export const postPath = object({ required: { id: idParameter() } })

/** `q`: all words must occur in the title or content, ignoring case. */
export const listPostsQuery = listQuery({
  optional: { authorId: idParameter(), familyId: idParameter(), q: text({ min: 1, max: 200 }) },
})
export type ListPostsQuery = Infer<typeof listPostsQuery>

export const listPostsOfUserQuery = listQuery({ optional: {}, path: { id: idParameter() } })
