import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { pageOf } from '@/lib/platform/pagination/page-schema'
import { listNotesQuery, note, noteBody, notePath } from './schema'

export const notesRoute = defineRoute(
  '/api/notes',
  {},
  {
    GET: {
      id: 'listNotes',
      summary: 'List my notes',
      parameters: [listNotesQuery],
      etag: true,
      list: true,
      responses: { 200: { description: 'A page of notes.', schema: pageOf('notes', note) } },
    },
    POST: {
      id: 'createNote',
      summary: 'Create a note',
      body: noteBody,
      example: { text: 'Buy milk.' },
      idempotent: true,
      postman: [{ store: { noteId: 'id' } }],
      responses: { 201: { description: 'The note.', schema: note } },
    },
  },
)

export const noteRoute = defineRoute(
  '/api/notes/{id}',
  {},
  {
    GET: {
      id: 'getNote',
      summary: 'Get a note',
      parameters: [notePath],
      etag: true,
      responses: { 200: { description: 'The note.', schema: note } },
    },
  },
)

export const notesTag: ApiTag = {
  tag: 'Notes',
  description: 'Notes that only their owner can read.',
  schemas: { NewNote: noteBody, Note: note },
  operations: [...notesRoute.operations, ...noteRoute.operations],
}
