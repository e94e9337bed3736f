import type { RequestOrigin } from '@/lib/auth/actor'
import type { Page } from '@/lib/lists'
import { prisma, type Queryable } from '@/lib/prisma'
import type { Prisma } from '@/prisma/generated/client'
import type { AuditAction, AuditDetails, AuditEvent, ListAuditEventsQuery } from './schema'

/** Something to keep: what, whose account, from where, and what else an admin needs to make sense of it. No secrets. */
export type NewAuditEvent = {
  action: AuditAction
  actorId: number | null
  origin: RequestOrigin
  details?: AuditDetails
}

/** Keeps an event; with a transaction, as a part of it, so that there is no change without its event. */
export async function insertAuditEvent(event: NewAuditEvent, queryable: Queryable = prisma()): Promise<void> {
  const { action, actorId, origin, details = {} } = event
  await queryable.auditEvent.create({
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

/** One page of events, newest first unless the query says otherwise. */
export async function listAuditEvents(query: ListAuditEventsQuery): Promise<Page<AuditEvent>> {
  const where: Prisma.AuditEventWhereInput = {
    ...(query.action !== undefined && { action: query.action }),
    ...(query.actorId !== undefined && { actorId: query.actorId }),
  }
  const direction = query.sort?.[0]?.direction ?? 'desc'
  const [rows, total] = await Promise.all([
    prisma().auditEvent.findMany({
      where,
      orderBy: [{ createdAt: direction }, { id: direction }],
      skip: (query.page - 1) * query.limit,
      take: query.limit,
      select: auditEventColumns,
    }),
    prisma().auditEvent.count({ where }),
  ])
  return { items: rows.map(toAuditEvent), total }
}
