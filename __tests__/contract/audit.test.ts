import type { AuditAction, AuditEvent } from '@/lib/domains/audit/schema'
import { api } from '../support/api'
import { signIn, uniqueEmail } from '../support/factories'
import { createFamilyFixture, queuedInvitationEmails, type Caller } from '../support/families'
import { publish, storeFile } from '../support/files'

/** Returns the recorded events of an actor, oldest first, as an admin reads them. */
async function eventsOf({ user }: Caller, action: AuditAction): Promise<AuditEvent[]> {
  const { token } = await signIn({ role: 'admin' })
  const url = `/api/audit-events?actorId=${user.id}&action=${action}&sort=createdAt&limit=100`
  return (await api<{ auditEvents: AuditEvent[] }>('GET', url, { token })).json.auditEvents
}

const detailsOf = async (caller: Caller, action: AuditAction) =>
  (await eventsOf(caller, action)).map(({ details }) => details)

describe('the audit of invitations and members', () => {
  it('records the creation, the acceptance and the revocation of invitations', async () => {
    const { owner, otherUser, family, url } = await createFamilyFixture()
    const invite = (email: string) => api('POST', `${url}/invitations`, { token: owner.token, json: { email } })
    const { email } = otherUser.user
    const accepted = (await invite(email)).json
    const revoked = (await invite(uniqueEmail())).json
    const [mail] = await queuedInvitationEmails(email)
    await api('POST', '/api/invitations/accept', { token: otherUser.token, json: { token: mail?.token } })
    await api('DELETE', `${url}/invitations/${revoked.id}`, { token: owner.token })
    expect(await detailsOf(owner, 'invitation_created')).toMatchObject([
      { familyId: family.id, invitationId: accepted.id, email, role: 'member' },
      { familyId: family.id, invitationId: revoked.id },
    ])
    expect(await detailsOf(otherUser, 'invitation_accepted')).toEqual([
      { familyId: family.id, invitationId: accepted.id, role: 'member', invitedById: owner.user.id },
    ])
    expect(await detailsOf(owner, 'invitation_revoked')).toMatchObject([
      { familyId: family.id, invitationId: revoked.id },
    ])
  })

  it('records changed roles and removals, with the invitations that they revoke', async () => {
    const { owner, otherOwner, member, family, url } = await createFamilyFixture()
    await api('POST', `${url}/invitations`, { token: otherOwner.token, json: { email: uniqueEmail() } })
    const ofOther = `${url}/members/${otherOwner.user.id}`
    await api('PATCH', ofOther, { token: owner.token, json: { role: 'member' } })
    await api('DELETE', `${url}/members/${member.user.id}`, { token: owner.token })
    expect(await detailsOf(owner, 'member_updated')).toEqual([
      { familyId: family.id, userId: otherOwner.user.id, role: 'member' },
    ])
    expect(await detailsOf(owner, 'invitation_revoked')).toEqual([
      { familyId: family.id, invitedById: otherOwner.user.id, count: 1 },
    ])
    expect(await detailsOf(owner, 'member_removed')).toEqual([{ familyId: family.id, userId: member.user.id }])
  })
})

describe('the audit of files', () => {
  it('records that an admin reads a private file, but no other reads', async () => {
    const [owner, admin] = [await signIn(), await signIn({ role: 'admin' })]
    const file = await storeFile(owner.token)
    const url = `/api/files/${owner.user.id}/${file.path}`
    expect((await api('GET', url, { token: admin.token })).status).toBe(200)
    await api('GET', url, { token: owner.token })
    await publish(owner.token, file.path)
    expect((await api('GET', url, { token: admin.token })).status).toBe(200)
    expect(await detailsOf(admin, 'file_read_by_admin')).toEqual([
      { fileId: file.id, ownerId: owner.user.id, path: file.path },
    ])
    expect(await eventsOf(owner, 'file_read_by_admin')).toEqual([])
  })

  it('records signed links, without their signature', async () => {
    const owner = await signIn()
    const { id, path } = await storeFile(owner.token)
    const { json } = await api<{ url: string; expiresAt: string }>('POST', '/api/files/links', {
      token: owner.token,
      json: { path, expiresIn: 60 },
    })
    expect(await detailsOf(owner, 'file_link_created')).toEqual([{ fileId: id, path, expiresAt: json.expiresAt }])
  })
})

it('records imports of products with their counts', async () => {
  const admin = await signIn({ role: 'admin' })
  const headers = { 'Content-Type': 'application/x-ndjson' }
  await api('POST', '/api/products/import', { token: admin.token, body: '{}\n{}\n', headers })
  expect(await detailsOf(admin, 'products_imported')).toEqual([{ created: 0, updated: 0, failed: 2 }])
})

describe('the audit of unknown tokens', () => {
  it('names the kind of token, and is bounded per address', async () => {
    const caller = await signIn()
    const accept = () => api('POST', '/api/invitations/accept', { token: caller.token, json: { token: 'made-up' } })
    const others: [string, object][] = [
      ['/api/auth/refresh', { refreshToken: 'made-up' }],
      ['/api/auth/reset-password', { token: 'made-up', password: 'a better horse' }],
      ['/api/auth/verify-email', { token: 'made-up' }],
      ['/api/auth/revert-email', { token: 'made-up' }],
    ]
    for (const [url, json] of others) expect((await api('POST', url, { json })).json.error.code).toBe('INVALID_TOKEN')
    for (let attempt = 0; attempt < 10; attempt += 1) expect((await accept()).status).toBe(401)
    const { token } = await signIn({ role: 'admin' })
    const { json } = await api<{ auditEvents: AuditEvent[] }>('GET', '/api/audit-events?action=token_rejected', {
      token,
    })
    expect(json.auditEvents).toHaveLength(10)
    const kinds = new Set(json.auditEvents.map(({ details }) => JSON.stringify(details)))
    expect(kinds).toEqual(
      new Set(
        ['refresh', 'reset_password', 'verify_email', 'revert_email', 'invitation'].map((kind) =>
          JSON.stringify({ token: kind }),
        ),
      ),
    )
    expect(await eventsOf(caller, 'token_rejected')).toHaveLength(6)
  })
})
