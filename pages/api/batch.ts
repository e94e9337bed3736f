import type { NextApiHandler } from 'next'
import { batchRoute } from '@/lib/domains/batch/openapi'
import { batchBody } from '@/lib/domains/batch/schema'
import { apiHandler } from '@/lib/http/api-handler'
import { parseBody } from '@/lib/http/parse'
import { requireAuth } from '@/lib/http/require-auth'
import { runBatch } from '@/lib/http/run-batch'
import { withIdempotency } from '@/lib/http/with-idempotency'
import apiKeysId from './api-keys/[id]'
import apiKeys from './api-keys/index'
import auditEvents from './audit-events'
import contactId from './contact/[id]'
import contact from './contact/index'
import events from './events/index'
import eventsTicket from './events/ticket'
import familiesId from './families/[id]/index'
import familiesIdInvitationsInvitationId from './families/[id]/invitations/[invitationId]'
import familiesIdInvitations from './families/[id]/invitations/index'
import familiesIdMembersUserId from './families/[id]/members/[userId]'
import familiesIdMembers from './families/[id]/members/index'
import families from './families/index'
import files from './files/index'
import filesLinks from './files/links'
import health from './health'
import hello from './hello'
import root from './index'
import invitationsAccept from './invitations/accept'
import jobsId from './jobs/[id]/index'
import jobsIdRetry from './jobs/[id]/retry'
import jobs from './jobs/index'
import postsId from './posts/[id]'
import posts from './posts/index'
import productsId from './products/[id]'
import products from './products/index'
import protectedRoute from './protected'
import ready from './ready'
import usersId from './users/[id]'
import usersIdFamilies from './users/[id]/families'
import usersIdPosts from './users/[id]/posts'
import usersIdProfile from './users/[id]/profile'
import users from './users/index'

export const config = { api: { bodyParser: false } }

/** The routes that a batch may call, static ones before those with parameters. */
const ROUTES = (
  [
    ['/api/api-keys', apiKeys],
    ['/api/audit-events', auditEvents],
    ['/api/contact', contact],
    ['/api/events', events],
    ['/api/events/ticket', eventsTicket],
    ['/api/families', families],
    ['/api/files', files],
    ['/api/files/links', filesLinks],
    ['/api/health', health],
    ['/api/hello', hello],
    ['/api', root],
    ['/api/invitations/accept', invitationsAccept],
    ['/api/jobs', jobs],
    ['/api/posts', posts],
    ['/api/products', products],
    ['/api/protected', protectedRoute],
    ['/api/ready', ready],
    ['/api/users', users],
    ['/api/api-keys/[id]', apiKeysId],
    ['/api/contact/[id]', contactId],
    ['/api/families/[id]', familiesId],
    ['/api/families/[id]/invitations/[invitationId]', familiesIdInvitationsInvitationId],
    ['/api/families/[id]/invitations', familiesIdInvitations],
    ['/api/families/[id]/members/[userId]', familiesIdMembersUserId],
    ['/api/families/[id]/members', familiesIdMembers],
    ['/api/jobs/[id]', jobsId],
    ['/api/jobs/[id]/retry', jobsIdRetry],
    ['/api/posts/[id]', postsId],
    ['/api/products/[id]', productsId],
    ['/api/users/[id]', usersId],
    ['/api/users/[id]/families', usersIdFamilies],
    ['/api/users/[id]/posts', usersIdPosts],
    ['/api/users/[id]/profile', usersIdProfile],
  ] satisfies [path: string, handler: NextApiHandler][]
).map(([path, handler]) => ({
  pattern: new RegExp(`^${path.replace(/\[(\w+)\]/g, '(?<$1>[^/]+)')}$`),
  handler,
}))

function findHandler(pathname: string) {
  for (const { pattern, handler } of ROUTES) {
    const match = pattern.exec(pathname)
    if (match === null) continue
    const parameters = Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)])
    return { handler, parameters: Object.fromEntries(parameters) }
  }
  return undefined
}

const handlePost = requireAuth(
  batchRoute.access,
  withIdempotency(async (req, context) => {
    const results = await runBatch(req, context, await parseBody(req, batchBody), findHandler)
    return { status: 200, body: { results } }
  }),
)

export default apiHandler(batchRoute, (req, res, context) => {
  switch (req.method) {
    case 'POST':
      return handlePost(req, res, context)
  }
})
