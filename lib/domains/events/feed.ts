import { AppError, validationError } from '@/lib/errors'
import type { EventRow, FeedBounds } from './repository'
import { eventId } from './schema'

function subjectIdOf({ subjectType, subjectId }: EventRow): number | string | null {
  return subjectId === null || subjectType === 'file' ? subjectId : Number(subjectId)
}

/** Returns an event without its data. */
export function describeEvent(row: EventRow) {
  const { type, createdAt, actorId, subjectType } = row
  return { id: eventId(row.position), type, createdAt, actorId, subject: { type: subjectType, id: subjectIdOf(row) } }
}

/** Returns an event as JSON text. Its data is inserted as it was stored. */
export function eventJson(row: EventRow): string {
  return `${JSON.stringify(describeEvent(row)).slice(0, -1)},"data":${row.json ?? 'null'}}`
}

/**
 * Returns where to continue after an event.
 * @throws CURSOR_EXPIRED when events after it are no longer stored
 * @throws VALIDATION_ERROR when there is no such event yet
 */
export function startOf(after: bigint | '', { last, deleted }: FeedBounds): bigint {
  if (after === '') return deleted
  if (after < deleted) throw new AppError('CURSOR_EXPIRED')
  if (after > last) throw validationError({ after: ['must be the id of an event'] })
  return after
}
