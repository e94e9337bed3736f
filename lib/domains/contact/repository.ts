import { integerColumn } from '@/lib/platform/pagination/keyset'
import type { List } from '@/lib/platform/pagination/query'
import { prisma } from '@/lib/platform/db/prisma'
import { paginate } from '@/lib/platform/pagination/paginate'
import { Prisma } from '@/prisma/generated/client'
import type { ContactMessage, ListContactQuery } from './schema'

const contactColumns = {
  id: true,
  name: true,
  email: true,
  message: true,
  source: true,
  createdAt: true,
  deliveredAt: true,
} satisfies Prisma.ContactMessageSelect

export async function insertContactMessage(message: Prisma.ContactMessageCreateInput): Promise<ContactMessage> {
  return prisma().contactMessage.create({ data: message, select: contactColumns })
}

/** Returns a message, or null if it does not exist. */
export async function findContactMessage(id: number): Promise<ContactMessage | null> {
  return prisma().contactMessage.findUnique({ where: { id }, select: contactColumns })
}

/** Sets `deliveredAt` unless it is set. */
export async function markDelivered(id: number): Promise<void> {
  await prisma().contactMessage.updateMany({ where: { id, deliveredAt: null }, data: { deliveredAt: new Date() } })
}

const contactList = {
  name: 'contact',
  from: Prisma.sql`"contact_messages"`,
  id: integerColumn('"id"'),
  fields: { id: integerColumn('"id"') },
  unique: ['id'],
  order: [{ field: 'id', direction: 'desc' }],
  bytes: Prisma.sql`octet_length("message")`,
} as const

/** Lists messages, newest first: ids ascend in the order of arrival. */
export async function listContactMessages(query: ListContactQuery): Promise<List<ContactMessage>> {
  return paginate(contactList, query, {
    rows: (ids) => prisma().contactMessage.findMany({ where: { id: { in: ids } }, select: contactColumns }),
    getId: (message) => message.id,
  })
}
