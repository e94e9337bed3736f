import { listQuery, sortBy } from '@/lib/platform/pagination/query'
import { id, idParameter, object, text, timestamp, type Infer } from '@/lib/validation'

export const noteBody = object({ required: { text: text({ min: 1, max: 10_000 }) } })
export type NewNote = Infer<typeof noteBody>

export const note = object({ required: { id: id(), text: text({ max: 10_000 }), createdAt: timestamp() } })
export type Note = Infer<typeof note>

export const notePath = object({ required: { id: idParameter() } })

export const listNotesQuery = listQuery({ optional: {}, sort: sortBy('createdAt') })
export type ListNotesQuery = Infer<typeof listNotesQuery>
