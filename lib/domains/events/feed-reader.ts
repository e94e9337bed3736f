import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { config } from '@/lib/config'
import { AppError, serviceUnavailable } from '@/lib/errors'
import { logger } from '@/lib/logger'
import type { Actor } from '@/lib/platform/identity/actor'
import { isShuttingDown } from '@/lib/platform/shutdown'
import { processSingleton } from '@/lib/process-singleton'
import { includes } from './audience'
import { eventJson, startOf } from './feed'
import { onEventsAnnounced } from './feed-signal'
import * as repository from './repository'
import { eventId, type EventType } from './schema'

/** How often the reader looks for events of other processes. Those of its own process are announced. */
const POLL_MS = 250
const BATCH = 500
const CATCH_UP_BATCH = 100
/** How often revoked credentials are looked for: their streams close within 5 s. */
const CREDENTIAL_CHECK_MS = 2_000
const COMMENT_MS = 15_000
/** A subscriber that has not read this much is disconnected; it resumes after the last event that it received. */
const UNREAD_MAX_BYTES = 2 * 1_048_576
/** How long browsers wait before they reconnect after a graceful stop. */
const RETRY_MS = 1_000

type Subscriber = {
  actor: Actor
  types: ReadonlySet<EventType> | undefined
  sink: Writable
  /** Everything up to this position has been sent. */
  cursor: bigint
  /** False while it catches up by itself. */
  isLive: boolean
}

type Feed = {
  subscribers: Set<Subscriber>
  /** Includes streams that are being opened. */
  total: number
  byUser: Map<number, number>
  /** Everything up to this position was sent to the live subscribers; undefined while the reader does not run. */
  position: bigint | undefined
  running: Promise<void> | undefined
}

/** The only reader of the outbox in this process, and its subscribers. */
const feed = processSingleton<Feed>('event-feed', () => ({
  subscribers: new Set(),
  total: 0,
  byUser: new Map(),
  position: undefined,
  running: undefined,
}))

const isOpen = ({ sink }: Subscriber) => !sink.destroyed && !sink.writableEnded

/** Writes to a subscriber, or disconnects it if it does not read. */
function send(subscriber: Subscriber, text: string): void {
  if (!isOpen(subscriber)) return
  subscriber.sink.write(text)
  if (subscriber.sink.writableLength > UNREAD_MAX_BYTES) subscriber.sink.destroy()
}

function message(row: repository.EventRow): string {
  return `id: ${eventId(row.position)}\nevent: ${row.type}\ndata: ${eventJson(row)}\n\n`
}

/** A comment. The id in it lets a client that has not received an event resume from here. */
const comment = ({ cursor }: Subscriber) => `:\nid: ${eventId(cursor)}\n\n`

function deliver(subscribers: ReadonlySet<Subscriber>, row: Awaited<ReturnType<typeof readBatch>>[number]): void {
  const mayReceive = includes(row)
  let text: string | undefined
  for (const subscriber of subscribers) {
    if (!subscriber.isLive || subscriber.cursor >= row.position) continue
    subscriber.cursor = row.position
    if (subscriber.types?.has(row.type) === false || !mayReceive(subscriber.actor)) continue
    send(subscriber, (text ??= message(row)))
  }
}

const readBatch = (after: bigint) => repository.findEventsWithAudience(after, BATCH)

/** Sends the events that were committed since the last call to all live subscribers. */
async function advance(state: Feed): Promise<void> {
  await repository.sequenceEvents()
  state.position ??= (await repository.findFeedBounds()).last
  for (;;) {
    const rows = await readBatch(state.position)
    for (const row of rows) deliver(state.subscribers, row)
    state.position = rows.at(-1)?.position ?? state.position
    if (rows.length < BATCH) return
  }
}

const credentialId = (actor: Actor) => (actor.credential === 'session' ? actor.sessionId : actor.apiKeyId)

/** Closes the streams of revoked and expired credentials, and updates the roles of the others: one query for all. */
async function checkCredentials(state: Feed): Promise<void> {
  const actors = [...state.subscribers].map(({ actor }) => actor)
  const idsOf = (credential: Actor['credential']) =>
    actors.filter((actor) => actor.credential === credential).map(credentialId)
  const live = await repository.findLiveCredentials({ sessionIds: idsOf('session'), apiKeyIds: idsOf('apiKey') })
  for (const subscriber of state.subscribers) {
    const role = live.get(credentialId(subscriber.actor))
    if (role === undefined) subscriber.sink.end()
    else subscriber.actor = { ...subscriber.actor, role }
  }
}

/** Runs while there are subscribers. */
async function run(state: Feed): Promise<void> {
  let wake = new AbortController()
  const stopListening = onEventsAnnounced(() => wake.abort())
  let checkedAt = performance.now()
  let commentedAt = performance.now()
  try {
    while (state.subscribers.size > 0) {
      wake = new AbortController()
      try {
        await advance(state)
        if (performance.now() - checkedAt >= CREDENTIAL_CHECK_MS) {
          await checkCredentials(state)
          checkedAt = performance.now()
        }
      } catch (error) {
        logger().warn({ err: error }, 'event feed could not be read')
      }
      if (performance.now() - commentedAt >= COMMENT_MS) {
        for (const subscriber of state.subscribers) send(subscriber, comment(subscriber))
        commentedAt = performance.now()
      }
      if (isShuttingDown()) {
        for (const { sink } of state.subscribers) sink.end(`retry: ${RETRY_MS}\n\n`)
      }
      await sleep(POLL_MS, undefined, { signal: wake.signal }).catch(() => undefined)
    }
  } finally {
    stopListening()
    state.position = undefined
    state.running = undefined
  }
}

/** Sends what a subscriber has missed, until it has everything that the live ones have, and makes it live. */
async function catchUp(state: Feed, subscriber: Subscriber): Promise<void> {
  const { sink } = subscriber
  while (isOpen(subscriber)) {
    if (state.position === undefined) {
      await sleep(10)
      continue
    }
    // No await between this and the next delivery: nothing falls between the two.
    if (subscriber.cursor >= state.position) {
      subscriber.isLive = true
      return
    }
    await repository.sequenceEvents()
    const { last } = await repository.findFeedBounds()
    const types = subscriber.types === undefined ? undefined : [...subscriber.types]
    const request = { after: subscriber.cursor, last, types, limit: CATCH_UP_BATCH }
    const { rows, scannedTo } = await repository.findEvents(subscriber.actor, request)
    for (const row of rows) {
      if (isOpen(subscriber) && !sink.write(message(row)))
        await Promise.race([once(sink, 'drain'), once(sink, 'close')])
    }
    subscriber.cursor = scannedTo
  }
}

/** A stream that is about to begin. Call `sendTo` or `cancel`. */
export type EventStream = {
  /** Writes events to a response until either side closes it. */
  sendTo: (sink: Writable) => Promise<void>
  cancel: () => void
}

function admit(state: Feed, userId: number): () => void {
  const { eventStreamsMax, eventStreamsPerUser } = config()
  const ofUser = state.byUser.get(userId) ?? 0
  if (state.total >= eventStreamsMax || isShuttingDown()) throw serviceUnavailable(new Error('Too many event streams.'))
  if (ofUser >= eventStreamsPerUser) {
    const message = `A user can have at most ${eventStreamsPerUser} event streams.`
    throw new AppError('RATE_LIMITED', { message, headers: { 'Retry-After': '5' } })
  }
  state.total += 1
  state.byUser.set(userId, ofUser + 1)
  return () => {
    state.total -= 1
    const left = (state.byUser.get(userId) ?? 1) - 1
    if (left > 0) state.byUser.set(userId, left)
    else state.byUser.delete(userId)
  }
}

/**
 * Opens a stream of the events after another one, or from now on, that the caller may see.
 * @throws CURSOR_EXPIRED when events after it are no longer stored
 * @throws VALIDATION_ERROR when there is no such event
 * @throws RATE_LIMITED when the user has as many streams as they may
 * @throws SERVICE_UNAVAILABLE when the process has
 */
export async function openEventStream(
  actor: Actor,
  { after, types }: { after?: bigint | '' | undefined; types?: readonly EventType[] | undefined },
): Promise<EventStream> {
  const state = feed()
  const release = admit(state, actor.userId)
  try {
    await repository.sequenceEvents()
    const bounds = await repository.findFeedBounds()
    const cursor = after === undefined ? bounds.last : startOf(after, bounds)
    return { cancel: release, sendTo: (sink) => streamTo(state, { actor, types, cursor, sink }).finally(release) }
  } catch (error) {
    release()
    throw error
  }
}

async function streamTo(
  state: Feed,
  {
    actor,
    types,
    cursor,
    sink,
  }: { actor: Actor; types: readonly EventType[] | undefined; cursor: bigint; sink: Writable },
): Promise<void> {
  const subscriber: Subscriber = { actor, types: types && new Set(types), sink, cursor, isLive: false }
  const closed = new Promise<void>((resolve) => {
    sink.once('close', resolve)
    if (sink.destroyed) resolve()
  })
  state.subscribers.add(subscriber)
  state.running ??= run(state)
  try {
    send(subscriber, comment(subscriber))
    await catchUp(state, subscriber)
    await closed
  } finally {
    state.subscribers.delete(subscriber)
  }
}
