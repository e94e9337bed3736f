import { base, en, Faker } from '@faker-js/faker'

/** A seeded user. It has no password, so it cannot log in. */
export type SeedUser = { email: string; name: string; createdAt: string }

/** Users are generated in blocks, as products are. */
export const USERS_PER_BLOCK = 1_000

const faker = new Faker({ locale: [en, base] })

function createUser(number: number): SeedUser {
  const firstName = faker.person.firstName()
  const lastName = faker.person.lastName()
  const local = `${firstName}.${lastName}`.toLowerCase().replace(/[^a-z.]/g, '')
  const createdAt = faker.date.between({ from: '2025-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' })
  // The domain is reserved (RFC 2606), so that no e-mail reaches a real person.
  return {
    email: `${local}.${number}@example.com`,
    name: `${firstName} ${lastName}`,
    createdAt: createdAt.toISOString(),
  }
}

/** Returns the users of a block, which starts at number `block * USERS_PER_BLOCK`; the same in every call. */
export function userBlock(block: number): SeedUser[] {
  faker.seed(block)
  return Array.from({ length: USERS_PER_BLOCK }, (_, index) => createUser(block * USERS_PER_BLOCK + index))
}
