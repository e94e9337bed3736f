import { createHash } from 'node:crypto'
import { config } from '@/lib/config'
import { isDatabaseUnavailable } from '@/lib/platform/db/errors'
import { AppError, serviceUnavailable } from '@/lib/errors'
import { decrypt, encrypt } from '@/lib/platform/crypto/encrypt'
import { sign, verify } from '@/lib/platform/crypto/keyring'
import { inTransaction } from '@/lib/platform/db/transaction'
import { processSingleton } from '@/lib/process-singleton'
import * as repository from './repository'

/** A response as it is stored; `body` is text. */
export type StoredResponse = { status: number; headers: Record<string, string | string[]>; body: string }

/**
 * A request with an idempotency key. `caller` is a user, an API key or an address; `request` is the text of everything
 * that a repeated request must have in common with the first.
 */
export type KeyedRequest = { caller: string; route: string; key: string; request: string }

/** The response, new or replayed. `thrown` is an error to throw once its response is stored. */
export type IdempotentResult = { response: StoredResponse; isReplayed: boolean; thrown?: unknown }

/** The longest work is hashing a password; uploads have received their bytes before. */
const TIMEOUT_MS = 30_000
const WAITING_MAX = 64

type Semaphore = { running: number; waiting: { start: () => void; reject: (error: unknown) => void }[] }

const semaphore = processSingleton<Semaphore>('idempotency-semaphore', () => ({ running: 0, waiting: [] }))

/**
 * Runs at most half as many keyed requests as the pool has connections. Each holds its connection while it works, also
 * while a password is hashed, and would otherwise starve all other requests.
 *
 * @throws SERVICE_UNAVAILABLE when too many wait, and for all that wait when the database becomes unavailable
 */
async function withConcurrencyLimit<T>(work: () => Promise<T>): Promise<T> {
  const limiter = semaphore()
  const runningMax = Math.max(1, Math.floor(config().databasePoolMax / 2))
  if (limiter.running < runningMax) limiter.running += 1
  else {
    if (limiter.waiting.length >= WAITING_MAX) throw serviceUnavailable(new Error('Too many keyed requests wait.'))
    // The request that ends passes its slot on, so `running` stays unchanged.
    await new Promise<void>((start, reject) => limiter.waiting.push({ start, reject }))
  }
  try {
    return await work()
  } catch (error) {
    // Fail waiters immediately instead of letting each run into its own timeout.
    if (isDatabaseUnavailable(error)) for (const { reject } of limiter.waiting.splice(0)) reject(error)
    throw error
  } finally {
    const next = limiter.waiting.shift()
    if (next === undefined) limiter.running -= 1
    else next.start()
  }
}

/** Returns a hash, so that the table reveals neither the keys nor the callers. */
function getId({ caller, route, key }: KeyedRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([caller, route, key]))
    .digest('base64url')
}

function isStoredResponse(value: unknown): value is StoredResponse {
  return typeof value === 'object' && value !== null && 'status' in value && 'headers' in value && 'body' in value
}

function decryptResponse(encrypted: string): StoredResponse {
  try {
    const response: unknown = JSON.parse(decrypt('idempotent-response', encrypted))
    if (isStoredResponse(response)) return response
  } catch (cause) {
    const message = 'The original request succeeded, but its stored response can no longer be decrypted.'
    throw new AppError('CONFLICT', { message, cause })
  }
  throw new AppError('CONFLICT')
}

/**
 * Runs `work` at most once per caller, route and key, and replays its response for 24 hours
 * (draft-ietf-httpapi-idempotency-key-header). The record is written in the transaction that `work` runs in, so neither
 * exists without the other, however the process ends. A lock of that transaction marks requests in progress. The request
 * is stored as an HMAC only, because a plain hash of a password could be guessed by an attacker who has the table; the
 * response is encrypted, because some contain tokens.
 *
 * An error for which `toResponse` returns a response rolls the work back and is stored like a response; any other error
 * leaves the key free.
 *
 * @throws IDEMPOTENCY_IN_PROGRESS when the first request has not ended yet
 * @throws IDEMPOTENCY_KEY_REUSED when the first request was a different one
 * @throws CONFLICT when the secret that the stored response was encrypted with is no longer configured
 */
export async function runIdempotent(
  keyed: KeyedRequest,
  work: () => Promise<StoredResponse>,
  toResponse: (thrown: unknown) => StoredResponse | undefined,
): Promise<IdempotentResult> {
  const id = getId(keyed)
  const attempt = async (): Promise<IdempotentResult> => {
    if (!(await repository.lockIdempotencyId(id))) throw new AppError('IDEMPOTENCY_IN_PROGRESS')
    const record = await repository.findIdempotencyRecord(id)
    if (record !== undefined) {
      if (!verify('idempotent-request', keyed.request, Buffer.from(record.fingerprint, 'base64url')))
        throw new AppError('IDEMPOTENCY_KEY_REUSED')
      return { response: decryptResponse(record.response), isReplayed: true }
    }
    const result = await inTransaction(work).then(
      (response): IdempotentResult => ({ response, isReplayed: false }),
      (thrown: unknown): IdempotentResult => {
        const response = toResponse(thrown)
        if (response === undefined) throw thrown
        return { response, isReplayed: false, thrown }
      },
    )
    await repository.storeIdempotencyRecord({
      id,
      fingerprint: sign('idempotent-request', keyed.request).toString('base64url'),
      response: encrypt('idempotent-response', JSON.stringify(result.response)),
    })
    return result
  }
  return withConcurrencyLimit(() => inTransaction(attempt, { timeoutMs: TIMEOUT_MS }))
}
