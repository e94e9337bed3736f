import { recordEvent } from '@/lib/domains/audit/service'
import { revokeApiKeys } from '@/lib/domains/auth/api-keys/service'
import { issueEmailToken, notifyPreviousAddress, revokeEmailTokens } from '@/lib/domains/auth/recovery/service'
import type { IssuedTokens } from '@/lib/domains/auth/sessions/schema'
import { confirmActor, openSession, revokeSessions } from '@/lib/domains/auth/sessions/service'
import { recordFileDeletions } from '@/lib/domains/events/service'
import { leaveAllFamilies } from '@/lib/domains/families/service'
import { recordPostDeletionsOf } from '@/lib/domains/posts/service'
import type { NewUser, User, UserChanges } from '@/lib/domains/users/schema'
import {
  assertSelfOrAdmin,
  getUser,
  recordUserCreation,
  recordUserDeletion,
  recordUserUpdate,
} from '@/lib/domains/users/service'
import { config } from '@/lib/config'
import { AppError } from '@/lib/errors'
import { hashPassword } from '@/lib/platform/crypto/password'
import { afterCommit, inTransaction } from '@/lib/platform/db/transaction'
import type { Precondition } from '@/lib/platform/etag'
import { assertNotPersonal, commonPasswordError } from '@/lib/platform/identity/password-rules'
import type { Actor, ClientInfo, SessionActor } from '@/lib/platform/identity/actor'
import { evictUser } from '@/lib/platform/identity/credential-cache'
import { enqueue } from '@/lib/platform/queue/enqueue'
import * as repository from './repository'

const SIGNUP_CLOSED = 'Sign-up is closed: only an admin creates accounts.'

/**
 * Checks that the caller may set roles, which would let an API key create another admin and so exceed its scopes.
 * @throws FORBIDDEN
 */
function assertAdminSession(actor: Actor | undefined): void {
  if (actor?.role !== 'admin' || actor.credential !== 'session') throw new AppError('FORBIDDEN')
}

/**
 * Creates an account and enqueues the e-mail to verify its address.
 * @throws UNAUTHORIZED or FORBIDDEN unless `OPEN_SIGNUP` is set or the caller is an admin
 * @throws FORBIDDEN when a caller who is not an admin, or an API key, sets a role
 * @throws VALIDATION_ERROR when the password is the address or the name
 * @throws EMAIL_EXISTS when the e-mail address is taken
 */
export async function createUser(actor: Actor | undefined, input: NewUser, client: ClientInfo): Promise<User> {
  if (actor?.role !== 'admin' && !config().openSignup) {
    throw new AppError(actor === undefined ? 'UNAUTHORIZED' : 'FORBIDDEN', { message: SIGNUP_CLOSED })
  }
  if (input.role !== undefined) assertAdminSession(actor)
  assertNotPersonal(input.password, input)
  // Rejects most duplicates before the expensive hash; the unique constraint decides between concurrent requests.
  if (await repository.emailIsTaken(input.email)) throw new AppError('EMAIL_EXISTS')
  const hash = await hashPassword(input.password, client.ip)
  const { email, name = null, role = 'user' } = input
  return inTransaction(async () => {
    if (actor?.credential === 'session' && (input.role !== undefined || !config().openSignup)) {
      assertAdminSession(await confirmActor(actor))
    }
    const user = await repository.insertUser({ email, name, role }, hash)
    await issueEmailToken('verify_email', user)
    const details = { userId: user.id, role }
    await recordEvent({ action: 'user_created', actorId: actor?.userId ?? user.id, client, details })
    await recordUserCreation(user, actor?.userId ?? user.id)
    return user
  })
}

/**
 * Creates an account and signs it in.
 * @throws UNAUTHORIZED unless `OPEN_SIGNUP` is set
 * @throws EMAIL_EXISTS when the e-mail address is taken
 */
export async function register(
  input: { email: string; password: string; name?: string | null },
  client: ClientInfo,
): Promise<{ user: User; tokens: IssuedTokens }> {
  const user = await createUser(undefined, input, client)
  return { user, tokens: await openSession({ id: user.id, amr: ['pwd'] }, client) }
}

/** What `appointAdmin` did. An account that was taken over may have been registered by a person who guessed the address. */
export type Appointment =
  { outcome: 'created' | 'unchanged' } | { outcome: 'takenOver'; registeredAt: Date; wasVerified: boolean }

/** The client of audit events of the command line and of the start. */
export const OPERATOR_CLIENT: ClientInfo = { ip: '127.0.0.1', userAgent: undefined, requestId: 'npm-run-admin' }

/**
 * Creates an admin with a verified e-mail address, on behalf of the person who operates the server. An existing account
 * that is not an admin's is taken over: its password, sessions, API keys and e-mailed links
 * are revoked.
 * With `onlyFirst`, does nothing when there is an admin. Concurrent calls wait for each other.
 */
export async function appointAdmin(
  account: { email: string; password: string; name: string | null },
  { onlyFirst = false } = {},
): Promise<Appointment> {
  const { email, password, name } = account
  if (onlyFirst && (await repository.adminExists())) return { outcome: 'unchanged' }
  const weakness = commonPasswordError(password)
  if (weakness !== undefined) throw new AppError('VALIDATION_ERROR', { message: `The password ${weakness}.` })
  assertNotPersonal(password, account)
  const hash = await hashPassword(password)
  return inTransaction(async () => {
    await repository.lockAdminAppointment()
    if (onlyFirst && (await repository.adminExists())) return { outcome: 'unchanged' }
    const existing = await repository.lockUserByEmail(email)
    if (existing?.role === 'admin') return { outcome: 'unchanged' }
    if (existing === undefined) {
      const user = await repository.insertUser({ email, name, role: 'admin', emailVerified: true }, hash)
      await recordUserCreation(user, null)
      const details = { userId: user.id, role: 'admin', by: 'operator' }
      await recordEvent({ action: 'user_created', actorId: null, client: OPERATOR_CLIENT, details })
      return { outcome: 'created' }
    }
    const details = { userId: existing.id, role: 'admin', by: 'operator' }
    await repository.promote(existing.id, hash)
    await recordUserUpdate(existing.id, null)
    await revokeSessions(existing.id)
    await revokeApiKeys(existing.id, OPERATOR_CLIENT, { by: 'operator' })
    await revokeEmailTokens(existing.id)
    await recordEvent({ action: 'role_changed', actorId: null, client: OPERATOR_CLIENT, details })
    await afterCommit(() => evictUser(existing.id))
    return { outcome: 'takenOver', registeredAt: existing.createdAt, wasVerified: existing.isVerified }
  })
}

/** Locks the user, if there is a precondition, until the end of the transaction and checks it. */
async function checkPrecondition(actor: Actor, userId: number, precondition: Precondition | undefined): Promise<void> {
  if (precondition === undefined) return
  await repository.lockUser(userId)
  precondition(await getUser(actor, userId))
}

/**
 * Changes an e-mail address. Set by the user, it becomes pending until its link is opened; whether another account has it
 * is not revealed: then no link is sent. Set by an admin, it takes effect immediately, unverified.
 */
async function changeEmail(actor: Actor, userId: number, email: string, client: ClientInfo): Promise<void> {
  const previous = await repository.lockEmail(userId)
  if (previous === undefined || previous.email === email) return
  assertSelfOrAdmin(await confirmActor(actor, { recent: true }), userId)
  const details = { userId, previousEmail: previous.email, email }
  if (actor.userId === userId) {
    await repository.updatePendingEmail(userId, email)
    if (!(await repository.emailIsTaken(email))) await issueEmailToken('verify_email', { id: userId, email })
    await recordEvent({ action: 'email_change_requested', actorId: userId, client, details })
    return
  }
  await repository.updateEmail(userId, email)
  await issueEmailToken('verify_email', { id: userId, email })
  await notifyPreviousAddress(userId, previous)
  await recordEvent({ action: 'email_changed', actorId: actor.userId, client, details })
}

/**
 * Updates a user.
 * @throws FORBIDDEN when the caller is neither that user nor an admin, sets a role without being an admin, or sets a role
 * or changes the e-mail address with an API key
 * @throws UNAUTHORIZED when the session was revoked before a change of e-mail address or role
 * @throws REAUTHENTICATION_REQUIRED when the e-mail address changes and the last proof of identity is too old
 * @throws NOT_FOUND when the user does not exist
 * @throws EMAIL_EXISTS when the e-mail address is taken
 * @throws PRECONDITION_FAILED when the user has changed
 */
export async function updateUser(
  actor: Actor,
  userId: number,
  changes: UserChanges,
  client: ClientInfo,
  precondition?: Precondition,
): Promise<User> {
  assertSelfOrAdmin(actor, userId)
  const { email, name, role } = changes
  if (role !== undefined) assertAdminSession(actor)
  const user = await inTransaction(async () => {
    await checkPrecondition(actor, userId, precondition)
    if (role !== undefined) assertAdminSession(await confirmActor(actor))
    if (email !== undefined) await changeEmail(actor, userId, email, client)
    if (role !== undefined && (await repository.updateRole(userId, role))) {
      await recordEvent({ action: 'role_changed', actorId: actor.userId, client, details: { userId, role } })
    }
    const updated = await repository.updateUser(userId, name === undefined ? {} : { name })
    await recordUserUpdate(userId, actor.userId)
    return updated
  })
  if (role !== undefined) await evictUser(userId)
  return user
}

/**
 * Deletes a user with everything they own, including the families in which they are the only member.
 * @throws FORBIDDEN when the caller is neither that user nor an admin
 * @throws NOT_FOUND when the user does not exist
 * @throws UNAUTHORIZED when the session was revoked meanwhile
 * @throws REAUTHENTICATION_REQUIRED when the last proof of identity is too old
 * @throws LAST_OWNER when a family with other members would have no owner
 * @throws PRECONDITION_FAILED when the user has changed
 */
export async function deleteUser(
  actor: SessionActor,
  userId: number,
  client: ClientInfo,
  precondition?: Precondition,
): Promise<void> {
  assertSelfOrAdmin(actor, userId)
  await inTransaction(async () => {
    assertSelfOrAdmin(await confirmActor(actor, { recent: true }), userId)
    await checkPrecondition(actor, userId, precondition)
    await leaveAllFamilies(actor.userId, userId)
    await repository.lockUserForDeletion(userId)
    await recordPostDeletionsOf(userId, actor.userId)
    await recordFileDeletions(actor.userId, userId)
    await repository.deleteUser(userId)
    await recordUserDeletion(userId, actor.userId)
    // Deletes the bytes of the user's files, which the deletion has marked as unreferenced.
    await enqueue('delete-unreferenced-files', {})
    await recordEvent({ action: 'user_deleted', actorId: actor.userId, client, details: { userId } })
  })
  await evictUser(userId)
}
