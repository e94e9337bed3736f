import type { Actor } from '@/lib/platform/identity/actor'
import type { Precondition } from '@/lib/platform/etag'
import { AppError } from '@/lib/errors'
import * as repository from './repository'
import type { Profile } from './schema'

/** What a user tells about themselves, for everybody who is signed in. NOT_FOUND for an unknown user. */
export async function getProfile(userId: number): Promise<Profile> {
  return repository.findProfile(userId)
}

/**
 * Puts a profile in the place of the one before. FORBIDDEN for another user's, NOT_FOUND for an admin's unknown one,
 * PRECONDITION_FAILED.
 */
export async function replaceProfile(
  actor: Actor,
  userId: number,
  profile: Profile,
  precondition?: Precondition,
): Promise<Profile> {
  if (actor.userId !== userId && actor.role !== 'admin') throw new AppError('FORBIDDEN')
  return repository.saveProfile(userId, profile, precondition)
}
