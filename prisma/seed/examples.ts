import { randomBytes, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { config, setConfig } from '@/lib/config'
import { createUser } from '@/lib/domains/auth/accounts/service'
import { addMember, createFamily, lockFamily } from '@/lib/domains/families/service'
import { createFile } from '@/lib/domains/files/service'
import { commitImmediately } from '@/lib/domains/files/write'
import { uploadImage } from '@/lib/domains/files/uploads/service'
import { createPost } from '@/lib/domains/posts/service'
import { replaceProfile } from '@/lib/domains/profiles/service'
import { isAppError } from '@/lib/errors'
import { inTransaction } from '@/lib/platform/db/transaction'
import type { Actor } from '@/lib/platform/identity/actor'

const PEOPLE = [
  { email: 'ada@example.com', name: 'Ada Lovelace', location: 'London', bio: 'Writes programs for an engine.' },
  { email: 'charles@example.com', name: 'Charles Babbage', location: 'London', bio: 'Builds the engine.' },
  { email: 'grace@example.com', name: 'Grace Hopper', location: 'Arlington', bio: 'Writes compilers.' },
]

/** A PNG of 8 × 8 pixels. */
const IMAGE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mO4Wc6GFTEMLQkAnXdVgRaGTN4AAAAASUVORK5CYII=',
  'base64',
)

/** Creates the account, unless it exists. */
async function signUp(email: string, name: string, password: string): Promise<Actor | undefined> {
  const client = { ip: '127.0.0.1', userAgent: undefined, requestId: `seed-${randomUUID()}` }
  try {
    const { id: userId } = await createUser(undefined, { email, name, password }, client)
    return { credential: 'session', userId, role: 'user', sessionId: randomUUID() }
  } catch (error) {
    if (isAppError(error) && error.code === 'EMAIL_EXISTS') return undefined
    throw error
  }
}

/**
 * Creates users with a password, each with a profile, posts of every visibility, a text file and an image; they are
 * members of one family. Existing accounts stay as they are. Returns the new accounts and their password.
 */
export async function createExamples(): Promise<{ emails: string[]; password: string }> {
  // Independent of whether the server to be seeded lets people sign up.
  setConfig({ ...config(), openSignup: true })
  const password = randomBytes(12).toString('base64url')
  const emails: string[] = []
  let familyId: number | undefined
  for (const { email, name, location, bio } of PEOPLE) {
    const actor = await signUp(email, name, password)
    if (actor === undefined) continue
    const { userId } = actor
    emails.push(email)
    await replaceProfile(actor, userId, { bio, location, avatarUrl: null, website: null, birthDate: null })
    if (familyId === undefined) familyId = (await createFamily(actor, { name: 'The analysts' })).id
    else await join(familyId, userId)
    const [first = name] = name.split(' ')
    for (const [visibility, title] of [
      ['public', `${first} says hello`],
      ['family', `${first}'s plans for the weekend`],
      ['private', `${first}'s diary`],
    ] as const) {
      await createPost(actor, { title, content: bio, visibility, familyId: visibility === 'family' ? familyId : null })
    }
    const body = Readable.from([Buffer.from(`Notes of ${name}\n`)])
    await createFile({ ownerId: userId, path: 'notes/first.txt', mimeType: 'text/plain', body })
    await uploadImage(actor, Readable.from([IMAGE]), commitImmediately)
  }
  return { emails, password }
}

async function join(familyId: number, userId: number): Promise<void> {
  await inTransaction(async () => {
    await lockFamily(familyId)
    await addMember({ familyId, userId, role: 'member' })
  })
}
