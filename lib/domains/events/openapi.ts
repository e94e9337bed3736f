import Joi from 'joi'
import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { object } from '@/lib/validation'
import { event, eventStreamQuery, eventTicket, issueTicketBody, listEventsQuery } from './schema'

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

export const eventStreamRoute = defineRoute(
  '/api/events/stream',
  { scope: 'events:read' },
  {
    GET: {
      id: 'streamEvents',
      summary: 'Stream events',
      description:
        'Server-Sent Events with `id`, `event` (the type) and `data` (the event), from now on, or after the event in `Last-Event-ID` or `after`, without a gap. Instead of credentials a `ticket` can be sent once. A comment is sent every 15 s. The stream is closed within 5 s of the revocation of its credential, and when the client does not read; it can be resumed after the last `id`.',
      parameters: [eventStreamQuery],
      responses: {
        200: {
          description: 'The events.',
          content: { 'text/event-stream': { schema: { type: 'string' } } },
        },
      },
      errors: ['CURSOR_EXPIRED', 'TOKEN_EXPIRED', 'TOKEN_REUSED', 'INVALID_TOKEN', 'RATE_LIMITED'],
      postman: [
        { name: 'Stream events with an unknown ticket', as: 'anonymous', query: { ticket: 'unknown' }, status: 401 },
      ],
    },
  },
)

export const eventTicketRoute = defineRoute(
  '/api/events/ticket',
  { scope: 'events:read' },
  {
    POST: {
      id: 'createEventTicket',
      summary: 'Create a ticket for an event stream',
      description:
        'For `EventSource`, which sends no headers. Opens one stream with my credential, once, within 60 seconds.',
      body: issueTicketBody,
      idempotent: true,
      responses: { 201: { description: 'The ticket.', schema: eventTicket } },
    },
  },
)

export const eventsTag: ApiTag = {
  tag: 'Events',
  description: 'Every change of a resource as an event, in one order: to pull, as a stream, or through webhooks.',
  schemas: { Event: event, EventTicket: eventTicket },
  operations: [...eventsRoute.operations, ...eventStreamRoute.operations, ...eventTicketRoute.operations],
}
