import { api } from '../../support/api'
import { signIn } from '../../support/factories'

describe('GET /api/notes/:id', () => {
  it('returns the note to its owner and 404 to others', async () => {
    const [owner, otherUser] = [await signIn(), await signIn()]
    const { json: note } = await api('POST', '/api/notes', { token: owner.token, json: { text: 'Buy milk.' } })
    expect((await api('GET', `/api/notes/${note.id}`, { token: owner.token })).json).toEqual(note)
    expect((await api('GET', `/api/notes/${note.id}`, { token: otherUser.token })).status).toBe(404)
  })
})
