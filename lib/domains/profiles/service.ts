import type { Actor } from '@/lib/platform/identity/actor'
import type { Precondition } from '@/lib/platform/etag'
import { AppError } from '@/lib/errors'
import { inTransaction } from '@/lib/platform/db/transaction'
import { recordChange } from '@/lib/domains/events/service'
import * as repository from './repository'
import type { Profile } from './schema'

/**
 * Returns a user's profile, visible to any signed-in user.
 * @throws NOT_FOUND when the user does not exist
 */
export async function getProfile(userId: number): Promise<Profile> {
  return repository.findProfile(userId)
}

/**
 * Replaces a user's profile.
 * @throws FORBIDDEN when the caller is neither that user nor an admin
 * @throws NOT_FOUND when the user does not exist
 * @throws PRECONDITION_FAILED when the profile has changed
 */
export async function replaceProfile(
  actor: Actor,
  userId: number,
  profile: Profile,
  precondition?: Precondition,
): Promise<Profile> {
  if (actor.userId !== userId && actor.role !== 'admin') throw new AppError('FORBIDDEN')
  return inTransaction(async () => {
    if (precondition !== undefined) {
      await repository.lockUser(userId)
      precondition(await repository.findProfile(userId))
    }
    const saved = await repository.saveProfile(userId, profile)
    const audience = { everyone: true }
    await recordChange({ type: 'profile.updated', actorId: actor.userId, id: userId, data: saved, audience })
    return saved
  })
}
