import Joi from 'joi'
import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { object } from '@/lib/validation'
import { event, listEventsQuery } from './schema'

export const eventsRoute = defineRoute(
  '/api/events',
  { scope: 'events:read' },
  {
    GET: {
      id: 'listEvents',
      summary: 'List events, oldest first',
      description:
        'Events of the changes that I could see when they happened. `after`: the id of the last event that I know; empty: from the oldest stored. `nextCursor` is the next `after`, and null at the end of the feed; a page may be shorter than `limit`, or empty, before that.',
      parameters: [listEventsQuery],
      etag: true,
      list: true,
      responses: {
        200: {
          description: 'A page of events.',
          schema: object({
            required: {
              events: Joi.array().items(event),
              pagination: object({
                required: {
                  limit: Joi.number().integer().min(1).max(100),
                  nextCursor: Joi.string<string | null>().allow(null),
                },
              }),
            },
          }),
        },
      },
      errors: ['CURSOR_EXPIRED'],
    },
  },
)

export const eventsTag: ApiTag = {
  tag: 'Events',
  description: 'Every change of a resource as an event, in one order: to pull, as a stream, or through webhooks.',
  schemas: { Event: event },
  operations: [...eventsRoute.operations],
}
