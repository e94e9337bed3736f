import { prisma } from '@/lib/platform/db/prisma'
import { integerColumn, timestampColumn } from '@/lib/platform/pagination/keyset'
import { paginate } from '@/lib/platform/pagination/paginate'
import type { List } from '@/lib/platform/pagination/query'
import { Prisma } from '@/prisma/generated/client'
import type { ListNotesQuery, NewNote, Note } from './schema'

const noteColumns = { id: true, text: true, createdAt: true } satisfies Prisma.NoteSelect

const noteList = {
  name: 'notes',
  from: Prisma.sql`notes`,
  id: integerColumn('id'),
  fields: { createdAt: timestampColumn('created_at') },
  order: [{ field: 'createdAt', direction: 'desc' }],
} as const

export async function insertNote(ownerId: number, input: NewNote): Promise<Note> {
  return prisma().note.create({ data: { ownerId, ...input }, select: noteColumns })
}

export async function findNote(ownerId: number, id: number): Promise<Note | null> {
  return prisma().note.findUnique({ where: { id, ownerId }, select: noteColumns })
}

export async function listNotes(ownerId: number, query: ListNotesQuery): Promise<List<Note>> {
  return paginate(noteList, query, {
    where: [Prisma.sql`owner_id = ${ownerId}`],
    rows: (ids) => prisma().note.findMany({ where: { id: { in: ids } }, select: noteColumns }),
    getId: (note) => note.id,
  })
}
