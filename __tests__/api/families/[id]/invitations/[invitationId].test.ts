import type { Invitation } from '@/lib/domains/families/invitations/schema'
import { api } from '../../../../support/api'
import { uniqueEmail } from '../../../../support/factories'
import { createFamilyFixture, queuedInvitationEmails } from '../../../../support/families'

type Invitations = { invitations: Invitation[]; pagination: { total: number } }

describe('GET and DELETE /api/families/:id/invitations', () => {
  it('revokes the invitation: it is not listed, and its token is rejected', async () => {
    const { owner, otherOwner, otherUser, url } = await createFamilyFixture()
    const { email } = otherUser.user
    const made = await api<Invitation>('POST', `${url}/invitations`, { token: owner.token, json: { email } })
    const listed = await api<Invitations>('GET', `${url}/invitations`, { token: otherOwner.token })
    expect(listed.json.invitations).toEqual([made.json])
    const target = `${url}/invitations/${made.json.id}`
    expect((await api('DELETE', target, { token: otherOwner.token })).status).toBe(204)
    expect((await api('DELETE', target, { token: otherOwner.token })).status).toBe(404)
    const { json } = await api<Invitations>('GET', `${url}/invitations`, { token: owner.token })
    expect(json.invitations).toEqual([])
    const [mail] = await queuedInvitationEmails(email)
    const accept = await api('POST', '/api/invitations/accept', {
      token: otherUser.token,
      json: { token: mail?.token },
    })
    expect([accept.status, accept.json.error.code]).toEqual([401, 'INVALID_TOKEN'])
  })

  it('returns 404 for an invitation of another family', async () => {
    const [here, there] = [await createFamilyFixture(), await createFamilyFixture()]
    const json = { email: uniqueEmail() }
    const made = await api<Invitation>('POST', `${there.url}/invitations`, { token: there.owner.token, json })
    const target = `${here.url}/invitations/${made.json.id}`
    expect((await api('DELETE', target, { token: here.owner.token })).status).toBe(404)
    const listed = await api<Invitations>('GET', `${there.url}/invitations`, { token: there.owner.token })
    expect(listed.json.invitations).toHaveLength(1)
  })

  it('returns 404 for an accepted invitation', async () => {
    const { owner, otherUser, url } = await createFamilyFixture()
    const { email } = otherUser.user
    const made = await api<Invitation>('POST', `${url}/invitations`, { token: owner.token, json: { email } })
    const [mail] = await queuedInvitationEmails(email)
    await api('POST', '/api/invitations/accept', { token: otherUser.token, json: { token: mail?.token } })
    const late = await api('DELETE', `${url}/invitations/${made.json.id}`, { token: owner.token })
    expect(late.status).toBe(404)
    const { json } = await api<Invitations>('GET', `${url}/invitations`, { token: owner.token })
    expect(json.invitations).toEqual([])
  })

  it.each(['0', 'x', '-1'])('returns 400 for the invitation id %s', async (id) => {
    const { owner, url } = await createFamilyFixture()
    const response = await api('DELETE', `${url}/invitations/${id}`, { token: owner.token })
    expect([response.status, Object.keys(response.json.error.details)]).toEqual([400, ['invitationId']])
  })
})
