import type { Note } from '@/lib/domains/notes/schema'
import { api } from '../../support/api'
import { signIn } from '../../support/factories'

type Notes = { notes: Note[] }

describe('POST /api/notes', () => {
  it('creates a note', async () => {
    const { token } = await signIn()
    const { status, json } = await api<Note>('POST', '/api/notes', { token, json: { text: 'Buy milk.' } })
    expect([status, json.text]).toEqual([201, 'Buy milk.'])
  })

  it('returns 400 for an empty text', async () => {
    const { token } = await signIn()
    expect((await api('POST', '/api/notes', { token, json: { text: '' } })).status).toBe(400)
  })

  it('returns 401 without credentials', async () => {
    expect((await api('POST', '/api/notes', { json: { text: 'Buy milk.' } })).status).toBe(401)
  })
})

describe('GET /api/notes', () => {
  it('lists only notes of the caller', async () => {
    const [owner, otherUser] = [await signIn(), await signIn()]
    const { json: note } = await api('POST', '/api/notes', { token: owner.token, json: { text: 'Buy milk.' } })
    expect((await api<Notes>('GET', '/api/notes', { token: owner.token })).json.notes).toEqual([note])
    expect((await api<Notes>('GET', '/api/notes', { token: otherUser.token })).json.notes).toEqual([])
  })
})
