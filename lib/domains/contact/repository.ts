import { randomUUID } from 'node:crypto'
import { AppError } from '@/lib/errors'
import { enqueue } from '@/lib/platform/queue/enqueue'
import { integerColumn } from '@/lib/platform/pagination/keyset'
import type { List } from '@/lib/platform/pagination/query'
import { prisma } from '@/lib/platform/db/prisma'
import { paginate } from '@/lib/platform/pagination/paginate'
import { inTransaction } from '@/lib/platform/db/transaction'
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

/** Keeps a message together with the job that mails it: both or neither. */
export async function insertContactMessage(message: Prisma.ContactMessageCreateInput): Promise<void> {
  await inTransaction(async (transaction) => {
    const { id } = await transaction.contactMessage.create({ data: message, select: { id: true } })
    await enqueue('mail-contact-message', { contactMessageId: id, mailId: randomUUID() })
  })
}

/** NOT_FOUND when there is none. */
export async function findContactMessage(id: number): Promise<ContactMessage> {
  const message = await prisma().contactMessage.findUnique({ where: { id }, select: contactColumns })
  if (message === null) throw new AppError('NOT_FOUND')
  return message
}

/** Notes that the mail has left; the first time stands. */
export async function markDelivered(id: number): Promise<void> {
  await prisma().contactMessage.updateMany({ where: { id, deliveredAt: null }, data: { deliveredAt: new Date() } })
}

// Ids are given in the order of arrival, so the newest come first without a column to sort by.
const contactList = {
  name: 'contact',
  from: Prisma.sql`"contact_messages"`,
  id: integerColumn('"id"'),
  fields: { id: integerColumn('"id"') },
  unique: ['id'],
  order: [{ field: 'id', direction: 'desc' }],
} as const

/** Part of the messages, newest first. */
export async function listContactMessages(query: ListContactQuery): Promise<List<ContactMessage>> {
  return paginate(contactList, query, {
    rows: (ids) => prisma().contactMessage.findMany({ where: { id: { in: ids } }, select: contactColumns }),
    getId: (message) => message.id,
  })
}
