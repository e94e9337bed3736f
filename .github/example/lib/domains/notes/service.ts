import { AppError } from '@/lib/errors'
import type { Actor } from '@/lib/platform/identity/actor'
import type { List } from '@/lib/platform/pagination/query'
import * as repository from './repository'
import type { ListNotesQuery, NewNote, Note } from './schema'

export async function createNote(actor: Actor, input: NewNote): Promise<Note> {
  return repository.insertNote(actor.userId, input)
}

/** @throws NOT_FOUND when there is no such note, or it is another user's */
export async function getNote(actor: Actor, id: number): Promise<Note> {
  const note = await repository.findNote(actor.userId, id)
  if (note === null) throw new AppError('NOT_FOUND')
  return note
}

export async function listNotes(actor: Actor, query: ListNotesQuery): Promise<List<Note>> {
  return repository.listNotes(actor.userId, query)
}
