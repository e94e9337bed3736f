import { base, en, Faker } from '@faker-js/faker'

/** Somebody of the seed. Without a password: nobody signs in as them. */
export type Person = { email: string; name: string; createdAt: string }

/** People are made by the thousand, as products are. */
export const BLOCK_PEOPLE = 1_000

const faker = new Faker({ locale: [en, base] })

function personOf(number: number): Person {
  const firstName = faker.person.firstName()
  const lastName = faker.person.lastName()
  const local = `${firstName}.${lastName}`.toLowerCase().replace(/[^a-z.]/g, '')
  const createdAt = faker.date.between({ from: '2025-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' })
  // The domain is reserved (RFC 2606), so that no mail reaches a stranger.
  return {
    email: `${local}.${number}@example.com`,
    name: `${firstName} ${lastName}`,
    createdAt: createdAt.toISOString(),
  }
}

/** The people `block * 1000` up to the next block's, the same at every call. */
export function peopleBlock(block: number): Person[] {
  faker.seed(block)
  return Array.from({ length: BLOCK_PEOPLE }, (_, index) => personOf(block * BLOCK_PEOPLE + index))
}
