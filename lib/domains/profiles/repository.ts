import { isMissingRow } from '@/lib/platform/db/errors'
import type { Precondition } from '@/lib/platform/etag'
import { AppError } from '@/lib/errors'
import { prisma } from '@/lib/platform/db/prisma'
import { inTransaction, lockRow } from '@/lib/platform/db/transaction'
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

/** The column knows no time of day; Prisma gives midnight in UTC. */
function toProfile(row: ProfileRow): Profile {
  return { ...row, birthDate: row.birthDate?.toISOString().slice(0, 10) ?? null }
}

/** A user's profile, empty where nothing was told yet. NOT_FOUND for an unknown user. */
export async function findProfile(userId: number): Promise<Profile> {
  const user = await prisma().user.findUnique({
    where: { id: userId },
    select: { profile: { select: profileColumns } },
  })
  if (user === null) throw new AppError('NOT_FOUND')
  return user.profile === null ? EMPTY : toProfile(user.profile)
}

/** NOT_FOUND for an unknown user, PRECONDITION_FAILED. */
export async function saveProfile(userId: number, profile: Profile, precondition?: Precondition): Promise<Profile> {
  const data = { ...profile, birthDate: profile.birthDate === null ? null : new Date(`${profile.birthDate}T00:00:00Z`) }
  try {
    return await inTransaction(async () => {
      if (precondition !== undefined) {
        // The user's row stands for a profile that may not be there yet.
        await lockRow('users', userId)
        precondition(await findProfile(userId))
      }
      const row = await prisma().profile.upsert({
        where: { userId },
        create: { userId, ...data },
        update: data,
        select: profileColumns,
      })
      return toProfile(row)
    })
  } catch (error) {
    if (isMissingRow(error)) throw new AppError('NOT_FOUND', { cause: error })
    throw error
  }
}
