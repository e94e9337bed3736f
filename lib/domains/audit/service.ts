import { isAppError } from '@/lib/errors'
import type { ClientInfo } from '@/lib/platform/identity/actor'
import type { List } from '@/lib/platform/pagination/query'
import { processSingleton } from '@/lib/process-singleton'
import * as repository from './repository'
import type { AuditEvent, ListAuditEventsQuery } from './schema'

/** Records a security event, as part of the surrounding transaction if there is one. */
export async function recordEvent(event: repository.NewAuditEvent): Promise<void> {
  await repository.insertAuditEvent(event)
}

/** Invented tokens cost their sender nothing: these many events an hour are recorded, per address and by one process. */
const REJECTIONS_PER_ADDRESS_MAX = 10
const REJECTIONS_MAX = 1_000
const HOUR_MS = 3_600_000

const rejections = processSingleton('rejected-tokens', () => ({
  since: 0,
  total: 0,
  byAddress: new Map<string, number>(),
}))

function isWorthRecording(ip: string): boolean {
  if (Date.now() - rejections().since > HOUR_MS) {
    rejections.replace({ since: Date.now(), total: 0, byAddress: new Map() })
  }
  const state = rejections()
  const count = state.byAddress.get(ip) ?? 0
  if (count >= REJECTIONS_PER_ADDRESS_MAX || state.total >= REJECTIONS_MAX) return false
  state.byAddress.set(ip, count + 1)
  state.total += 1
  return true
}

/**
 * Runs an operation that consumes a token, and records it when the token is unknown: outside of the operation's
 * transaction, which its error rolls back. Rethrows the error.
 */
export async function auditUnknownTokens<T>(
  attempt: { token: 'refresh' | 'reset_password' | 'verify_email' | 'revert_email' | 'invitation'; actorId?: number },
  client: ClientInfo,
  operation: () => Promise<T>,
): Promise<T> {
  const { token, actorId = null } = attempt
  try {
    return await operation()
  } catch (error) {
    if (isAppError(error) && error.code === 'INVALID_TOKEN' && isWorthRecording(client.ip)) {
      await recordEvent({ action: 'token_rejected', actorId, client, details: { token } })
    }
    throw error
  }
}

/** Lists audit events. The route requires an admin. */
export async function listAuditEvents(query: ListAuditEventsQuery): Promise<List<AuditEvent>> {
  return repository.listAuditEvents(query)
}
