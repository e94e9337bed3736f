import { EventEmitter } from 'node:events'
import { processSingleton } from '@/lib/process-singleton'

/** Wakes this process's reader of the feed. Only a hint: the reader also polls. */
const signal = processSingleton('event-signal', () => new EventEmitter())

/** Announces that events were committed. */
export function announceEvents(): void {
  signal().emit('events')
}

/** Calls a function when events were committed by this process. Returns the function that stops that. */
export function onEventsAnnounced(listener: () => void): () => void {
  signal().on('events', listener)
  return () => signal().off('events', listener)
}
