import { createHash } from 'node:crypto'
import { AppError } from '@/lib/errors'
import { decrypt, encrypt } from '@/lib/platform/crypto/encrypt'
import { sign, verify } from '@/lib/platform/crypto/keyring'
import { inTransaction } from '@/lib/platform/db/transaction'
import { inTransactionSlot } from '@/lib/platform/db/transaction-slots'
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
  return inTransactionSlot(() => inTransaction(attempt, { timeoutMs: TIMEOUT_MS }))
}
