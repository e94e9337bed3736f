import Joi from 'joi'
import { digits, object, oneOf, text, timestamp, type Infer } from '@/lib/validation'

/** All types of events. The part before the dot is the type of the subject. */
export const EVENT_TYPES = [
  ...(['user.created', 'user.updated', 'user.deleted', 'profile.updated'] as const),
  ...(['family.created', 'family.updated', 'family.deleted'] as const),
  ...(['family.member_added', 'family.member_updated', 'family.member_removed'] as const),
  ...(['invitation.created', 'invitation.accepted', 'invitation.revoked'] as const),
  ...(['post.created', 'post.updated', 'post.deleted'] as const),
  ...(['product.created', 'product.updated', 'product.deleted', 'product.imported'] as const),
  ...(['file.created', 'file.updated', 'file.deleted', 'contact.created'] as const),
] as const
export type EventType = (typeof EVENT_TYPES)[number]

type SubjectType = EventType extends infer T ? (T extends `${infer Subject}.${string}` ? Subject : never) : never

const EVENT_ID = /^evt_[0-9a-f]{16}$/

/** Returns the id of the event at a position: of fixed width, so that ids sort in the order of the feed. */
export function eventId(position: bigint): string {
  return `evt_${position.toString(16).padStart(16, '0')}`
}

/** Returns the position that an id names. */
export function positionOf(id: string): bigint {
  return BigInt(`0x${id.slice('evt_'.length)}`)
}

const isEventType = (word: string): word is EventType => EVENT_TYPES.some((type) => type === word)

/** Returns the types that a filter names: itself, or with `post.*` all types of posts. */
export function typesOf(filter: string): EventType[] {
  if (!filter.endsWith('.*')) return isEventType(filter) ? [filter] : []
  return EVENT_TYPES.filter((type) => type.startsWith(filter.slice(0, -1)))
}

/** What `types` accepts: the types, and `post.*` for all types of posts. */
export const TYPE_FILTERS: readonly string[] = [
  ...new Set(EVENT_TYPES.map((type) => `${type.split('.')[0]}.*`)),
  ...EVENT_TYPES,
]

/** Parses `?types=post.created,product.*` to types. */
const typesParameter = () =>
  Joi.any<EventType[]>()
    .custom((value: unknown, helpers) => {
      const filters = typeof value === 'string' ? value.split(',') : ['']
      const unknown = filters.find((filter) => typesOf(filter).length === 0)
      if (unknown !== undefined) return helpers.error('types', { unknown: unknown.slice(0, 50) })
      return [...new Set(filters.flatMap(typesOf))]
    })
    .meta({ jsonSchema: { type: 'array', items: { type: 'string', enum: TYPE_FILTERS }, minItems: 1 } })
    .messages({ types: 'must be a comma-separated list of event types, such as post.created or product.*' })

/** The id of an event, as a position. Empty stands for the beginning of the feed. */
const afterParameter = () =>
  Joi.any<bigint | ''>()
    .custom((value: unknown, helpers) => {
      if (value === '') return value
      return typeof value === 'string' && EVENT_ID.test(value) ? positionOf(value) : helpers.error('event.id')
    })
    .meta({ jsonSchema: { type: 'string', pattern: `^(${EVENT_ID.source.slice(1, -1)})?$` } })
    .messages({ 'event.id': 'must be the id of an event' })

export const listEventsQuery = object({
  optional: { after: afterParameter(), types: typesParameter() },
  defaulted: { limit: digits({ min: 1, max: 100 }).default(20) },
})
export type ListEventsQuery = Infer<typeof listEventsQuery>

export const eventStreamQuery = object({
  optional: { after: afterParameter(), types: typesParameter(), ticket: text({ min: 1, max: 512 }) },
})

/** `Last-Event-ID`, which a browser's EventSource sends when it reconnects. */
export const lastEventId = afterParameter()

export const eventTicket = object({ required: { ticket: Joi.string(), expiresAt: timestamp() } })
export type EventTicket = Infer<typeof eventTicket>

export const issueTicketBody = object({})

const id = () =>
  Joi.string()
    .pattern(EVENT_ID)
    .meta({ jsonSchema: { examples: ['evt_000000000000002a'] } })

/** The keys of an event, except its data. */
export const eventKeys = {
  id: id(),
  type: oneOf(...EVENT_TYPES),
  createdAt: timestamp(),
  actorId: Joi.number<number | null>().integer().allow(null),
  subject: object({
    required: {
      type: Joi.string<SubjectType>(),
      id: Joi.alternatives<number | string | null>().try(Joi.number().integer(), Joi.string()).allow(null),
    },
  }),
}

export const event = object({
  required: { ...eventKeys, data: Joi.object<Record<string, unknown> | null>().unknown().allow(null) },
})
export type FeedEvent = Infer<typeof event>
