import { createHash, createHmac } from 'node:crypto'
import { config } from '@/lib/config'
import { isDatabaseUnavailable } from '@/lib/platform/db/errors'
import { AppError, serviceUnavailable } from '@/lib/errors'
import { seal, decrypt } from '@/lib/platform/crypto/encrypt'
import { inTransaction } from '@/lib/platform/db/transaction'
import { processSingleton } from '@/lib/process-singleton'
import * as repository from './repository'

/** An answer as it is kept: its status, its headers and the bytes of its body. */
export type StoredResponse = { status: number; headers: Record<string, string | string[]>; body: string }

/**
 * One request with a key. `caller` is an account, an API key or an address; `request` is all of the request that must be
 * the same for it to be a repeat, as text.
 */
export type KeyedRequest = { caller: string; route: string; key: string; request: string }

/** What became of it: an answer, new or kept, or an error that is to be thrown once it was kept. */
export type IdempotentResult = { answer: StoredResponse; isReplayed: boolean; thrown?: unknown }

/** A creation hashes a password at most; uploads are done with their bytes before they come here. */
const TIMEOUT_MS = 30_000
const WAITING_MAX = 64

type Semaphore = { running: number; waiting: { begin: () => void; refuse: (error: unknown) => void }[] }

const semaphore = processSingleton<Semaphore>('idempotency-semaphore', () => ({ running: 0, waiting: [] }))

/**
 * A keyed request holds its connection while it works, also while it waits for a password's hash. Half of the pool is
 * for them at most, so that they cannot stop everybody else. SERVICE_UNAVAILABLE when too many wait, and for all who wait
 * when the database goes away.
 */
async function withConcurrencyLimit<T>(work: () => Promise<T>): Promise<T> {
  const turns = semaphore()
  const most = Math.max(1, Math.floor(config().databasePoolMax / 2))
  if (turns.running < most) turns.running += 1
  else {
    if (turns.waiting.length >= WAITING_MAX) throw serviceUnavailable(new Error('Too many keyed requests wait.'))
    // Whoever ends hands the turn on, so that `running` stays as it is.
    await new Promise<void>((begin, refuse) => turns.waiting.push({ begin, refuse }))
  }
  try {
    return await work()
  } catch (error) {
    // Those who wait would learn the same, one after the other, each after a time-out.
    if (isDatabaseUnavailable(error)) for (const { refuse } of turns.waiting.splice(0)) refuse(error)
    throw error
  } finally {
    const next = turns.waiting.shift()
    if (next === undefined) turns.running -= 1
    else next.begin()
  }
}

/** Nothing in it can be read back, so that the table tells neither keys nor who came from where. */
function getId({ caller, route, key }: KeyedRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([caller, route, key]))
    .digest('base64url')
}

/**
 * A request may hold a password. A plain hash of it could be guessed at many million words a second by whoever has the
 * table; under our secret it cannot.
 */
function fingerprints({ request }: KeyedRequest): string[] {
  return config().jwtSecrets.map((secret) =>
    createHmac('sha256', secret).update('hearth.idempotency\0').update(request).digest('base64url'),
  )
}

function isKeptAnswer(value: unknown): value is StoredResponse {
  return typeof value === 'object' && value !== null && 'status' in value && 'headers' in value && 'body' in value
}

function open(sealed: string): StoredResponse {
  try {
    const answer: unknown = JSON.parse(decrypt(sealed))
    if (isKeptAnswer(answer)) return answer
  } catch (cause) {
    throw new AppError('CONFLICT', { message: 'This was done, but its answer can no longer be read.', cause })
  }
  throw new AppError('CONFLICT')
}

/**
 * Does `work` once for a caller, route and key, and gives its answer again for 24 hours
 * (draft-ietf-httpapi-idempotency-key-header). The record is written in the transaction that `work` runs in, so there is
 * no creation without a record and no record without a creation, whenever the process ends; work under way is told by a
 * lock that ends with its transaction. Answers lie sealed: some hold tokens.
 *
 * An error that `toAnswer` makes an answer of undoes the work and is kept like one; any other undoes all and leaves
 * the key free. IDEMPOTENCY_IN_PROGRESS; IDEMPOTENCY_KEY_REUSED when the first request was another; CONFLICT when the
 * secret that the answer was sealed under is gone.
 */
export async function runIdempotent(
  keyed: KeyedRequest,
  work: () => Promise<StoredResponse>,
  toAnswer: (thrown: unknown) => StoredResponse | undefined,
): Promise<IdempotentResult> {
  const id = getId(keyed)
  const known = fingerprints(keyed)
  const attempt = async (): Promise<IdempotentResult> => {
    if (!(await repository.lockIdempotencyId(id))) throw new AppError('IDEMPOTENCY_IN_PROGRESS')
    const record = await repository.findIdempotencyRecord(id)
    if (record !== undefined) {
      if (!known.includes(record.fingerprint)) throw new AppError('IDEMPOTENCY_KEY_REUSED')
      return { answer: open(record.answer), isReplayed: true }
    }
    const outcome = await inTransaction(work).then(
      (answer): IdempotentResult => ({ answer, isReplayed: false }),
      (thrown: unknown): IdempotentResult => {
        const answer = toAnswer(thrown)
        if (answer === undefined) throw thrown
        return { answer, isReplayed: false, thrown }
      },
    )
    const fingerprint = known[0] ?? ''
    await repository.keepIdempotencyRecord({ id, fingerprint, answer: seal(JSON.stringify(outcome.answer)) })
    return outcome
  }
  return withConcurrencyLimit(() => inTransaction(attempt, { timeoutMs: TIMEOUT_MS }))
}
