import { config } from '@/lib/config'
import type { ClientInfo } from '@/lib/platform/identity/actor'
import { integerColumn, timestampColumn } from '@/lib/platform/pagination/keyset'
import type { List } from '@/lib/platform/pagination/query'
import { prisma } from '@/lib/platform/db/prisma'
import { paginate } from '@/lib/platform/pagination/paginate'
import { Prisma } from '@/prisma/generated/client'
import type { AuditAction, AuditDetails, AuditEvent, ListAuditEventsQuery } from './schema'

/** A security event to record. `details` must not contain secrets. */
export type NewAuditEvent = {
  action: AuditAction
  actorId: number | null
  client: ClientInfo
  details?: AuditDetails
}

export async function insertAuditEvent(event: NewAuditEvent): Promise<void> {
  const { action, actorId, client, details = {} } = event
  await prisma().auditEvent.create({
    data: { action, actorId, ip: client.ip, requestId: client.requestId, details },
    select: { id: true },
  })
}

const auditEventColumns = {
  id: true,
  action: true,
  actorId: true,
  ip: true,
  requestId: true,
  createdAt: true,
  details: true,
} satisfies Prisma.AuditEventSelect

function toAuditEvent(row: Prisma.AuditEventGetPayload<{ select: typeof auditEventColumns }>): AuditEvent {
  return { ...row, id: Number(row.id) }
}

const auditEventList = {
  name: 'auditEvents',
  from: Prisma.sql`"audit_events"`,
  id: integerColumn('"id"'),
  fields: { createdAt: timestampColumn('"created_at"') },
  order: [{ field: 'createdAt', direction: 'desc' }],
} as const

/** Lists audit events, newest first by default. */
export async function listAuditEvents(query: ListAuditEventsQuery): Promise<List<AuditEvent>> {
  const where: Prisma.Sql[] = []
  if (query.action !== undefined) where.push(Prisma.sql`"action" = ${query.action}`)
  if (query.actorId !== undefined) where.push(Prisma.sql`"actor_id" = ${query.actorId}::bigint`)
  return paginate(auditEventList, query, {
    where,
    rows: async (ids) => {
      const rows = await prisma().auditEvent.findMany({ where: { id: { in: ids } }, select: auditEventColumns })
      return rows.map(toAuditEvent)
    },
    getId: (event) => event.id,
  })
}

/** Keeps a clean-up statement well below the query timeout; the next run continues. */
const CLEANUP_ROWS_MAX = 10_000

/** Deletes events older than `AUDIT_RETENTION_DAYS` and returns their number. */
export async function deleteOldAuditEvents(): Promise<number> {
  const { auditRetentionDays } = config()
  return prisma().$executeRaw`
    DELETE FROM audit_events WHERE id IN (
      SELECT id FROM audit_events WHERE created_at < now() - make_interval(days => ${auditRetentionDays}::int)
      LIMIT ${CLEANUP_ROWS_MAX})`
}
