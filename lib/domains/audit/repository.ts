import type { ClientInfo } from '@/lib/platform/identity/actor'
import { integerKey, timestampKey } from '@/lib/platform/pagination/keyset'
import type { List } from '@/lib/platform/pagination/query'
import { prisma } from '@/lib/platform/db/prisma'
import { paginate } from '@/lib/platform/pagination/paginate'
import { Prisma } from '@/prisma/generated/client'
import type { AuditAction, AuditDetails, AuditEvent, ListAuditEventsQuery } from './schema'

/** Something to keep: what, whose account, from where, and what else an admin needs to make sense of it. No secrets. */
export type NewAuditEvent = {
  action: AuditAction
  actorId: number | null
  origin: ClientInfo
  details?: AuditDetails
}

/** Inserts an audit event, as part of the surrounding transaction if there is one. */
export async function insertAuditEvent(event: NewAuditEvent): Promise<void> {
  const { action, actorId, origin, details = {} } = event
  await prisma().auditEvent.create({
    data: { action, actorId, ip: origin.ip, requestId: origin.requestId, details },
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
  id: integerKey('"id"'),
  fields: { createdAt: timestampKey('"created_at"') },
  order: [{ field: 'createdAt', direction: 'desc' }],
} as const

/** Part of the events, newest first unless the query says otherwise. */
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
