import { randomUUID } from 'node:crypto'
import { insertApiKey } from '@/lib/domains/auth/api-keys/repository'
import { verifyAccessToken } from '@/lib/domains/auth/sessions/access-token'
import { hashOpaqueToken, newOpaqueToken } from '@/lib/platform/crypto/opaque-token'
import { prisma } from '@/lib/platform/db/prisma'
import type { Scope } from '@/lib/platform/identity/scopes'
import type { NewProduct, Product } from '@/lib/domains/products/schema'
import { createProduct as addProduct } from '@/lib/domains/products/service'
import { openSession } from '@/lib/domains/auth/sessions/service'
import { insertUser } from '@/lib/domains/auth/accounts/repository'
import type { User } from '@/lib/domains/users/schema'
import type { Role } from '@/lib/platform/identity/schema'

export const PASSWORD = 'correct horse'

/** The bcrypt hash of PASSWORD: test files that never log in by password need not start the pool of hashing threads. */
const PASSWORD_HASH = '$2b$04$VVyB8XBLA/eId.I7bYyWkObo0HzpIpXV.Sf2z7IZ6IeW.oddEfipq'

/** Returns a unique e-mail address. */
export function uniqueEmail(): string {
  return `${randomUUID()}@example.test`
}

/** Creates a user whose password is PASSWORD. */
export async function createUser(given: { email?: string; name?: string | null; role?: Role } = {}): Promise<User> {
  const { email = uniqueEmail(), name = 'Ada Lovelace', role = 'user' } = given
  return insertUser({ email, name, role }, PASSWORD_HASH)
}

/** The client of the sessions and keys that factories create. */
const origin = () => ({ ip: '127.0.0.1', userAgent: 'tests', requestId: randomUUID() })

/** Creates a session. Returns its tokens and its id. */
export async function createSession(user: User): Promise<{ token: string; refreshToken: string; sessionId: string }> {
  const { token, refreshToken } = await openSession({ id: user.id, amr: ['pwd'] }, origin())
  return { token, refreshToken, sessionId: verifyAccessToken(token)?.sessionId ?? '' }
}

/** Makes the last proof of identity of a session too old for operations that need a recent one. */
export async function ageAuthentication(sessionId: string): Promise<void> {
  const authenticatedAt = new Date(Date.now() - 15 * 60_000 - 1_000)
  await prisma().session.update({ where: { id: sessionId }, data: { authenticatedAt } })
}

/** Creates a user with a session. */
export async function signIn(
  given: { role?: Role; name?: string | null } = {},
): Promise<{ user: User; token: string; refreshToken: string; sessionId: string }> {
  const user = await createUser(given)
  return { user, ...(await createSession(user)) }
}

/** Creates an API key with these scopes. `key` is the bearer token. */
export async function createApiKey(
  owner: User,
  scopes: Scope[],
  given: { expiresAt?: Date } = {},
): Promise<{ id: string; key: string }> {
  const key = `hk_${newOpaqueToken()}`
  const columns = { name: 'tests', userId: owner.id, prefix: key.slice(0, 11), hash: hashOpaqueToken(key) }
  return { id: (await insertApiKey({ ...columns, scopes, ...given })).id, key }
}

/** Returns a valid product with a unique SKU. */
export function newProduct(given: Partial<NewProduct> = {}): NewProduct {
  return {
    sku: randomUUID(),
    name: 'Brass Reading Lamp',
    description: 'Lights long evenings',
    category: 'Furniture',
    priceCents: 12_999,
    currency: 'USD',
    stock: 23,
    attributes: { color: 'red', material: 'brass', weightGrams: 4_200, refurbished: false },
    ...given,
  }
}

/** Creates a product. */
export async function createProduct(given: Partial<NewProduct> = {}): Promise<Product> {
  return addProduct(newProduct(given), null)
}
