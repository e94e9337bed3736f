import { isMissingRow } from '@/lib/platform/db/errors'
import { AppError } from '@/lib/errors'
import { prisma } from '@/lib/platform/db/prisma'
import { lockRow } from '@/lib/platform/db/transaction'
import type { Prisma } from '@/prisma/generated/client'
import type { Profile } from './schema'

const profileColumns = {
  bio: true,
  avatarUrl: true,
  location: true,
  website: true,
  birthDate: true,
} satisfies Prisma.ProfileSelect

const EMPTY: Profile = { bio: null, avatarUrl: null, location: null, website: null, birthDate: null }

type ProfileRow = Omit<Profile, 'birthDate'> & { birthDate: Date | null }

/** Prisma returns a date column as midnight UTC. */
function toProfile(row: ProfileRow): Profile {
  return { ...row, birthDate: row.birthDate?.toISOString().slice(0, 10) ?? null }
}

/**
 * Returns a user's profile, with null fields if it has not been filled in.
 * @throws NOT_FOUND when the user does not exist
 */
export async function findProfile(userId: number): Promise<Profile> {
  const user = await prisma().user.findUnique({
    where: { id: userId },
    select: { profile: { select: profileColumns } },
  })
  if (user === null) throw new AppError('NOT_FOUND')
  return user.profile === null ? EMPTY : toProfile(user.profile)
}

/** Locks the user's row in place of the profile, which may not exist yet. */
export async function lockUser(userId: number): Promise<void> {
  await lockRow('users', userId)
}

/** @throws NOT_FOUND when the user does not exist */
export async function saveProfile(userId: number, profile: Profile): Promise<Profile> {
  const data = { ...profile, birthDate: profile.birthDate === null ? null : new Date(`${profile.birthDate}T00:00:00Z`) }
  try {
    const row = await prisma().profile.upsert({
      where: { userId },
      create: { userId, ...data },
      update: data,
      select: profileColumns,
    })
    return toProfile(row)
  } catch (error) {
    if (isMissingRow(error)) throw new AppError('NOT_FOUND', { cause: error })
    throw error
  }
}
