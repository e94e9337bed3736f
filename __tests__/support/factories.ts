import { randomUUID } from 'node:crypto'
import { createApiKey } from '@/lib/domains/auth/api-keys/service'
import { hashPassword } from '@/lib/platform/crypto/password'
import { verifyAccessToken } from '@/lib/domains/auth/access-token'
import type { Scope } from '@/lib/platform/identity/scopes'
import type { NewProduct, Product } from '@/lib/domains/products/schema'
import { createProduct } from '@/lib/domains/products/service'
import { openSession } from '@/lib/domains/auth/sessions/service'
import { insertUser } from '@/lib/domains/users/repository'
import type { User } from '@/lib/domains/users/schema'
import type { Role } from '@/lib/platform/identity/schema'
import { productBlock } from '@/prisma/seed/products'

export const PASSWORD = 'correct horse'

let hash: Promise<string> | undefined

/** An address that nobody else has. */
export function freshEmail(): string {
  return `${randomUUID()}@example.test`
}

/** A user with PASSWORD. */
export async function makeUser(given: { email?: string; name?: string | null; role?: Role } = {}): Promise<User> {
  hash ??= hashPassword(PASSWORD)
  const { email = freshEmail(), name = 'Ada Lovelace', role = 'user' } = given
  return insertUser({ email, name, role }, await hash)
}

/** Where requests of the factories come from. */
const origin = () => ({ ip: '127.0.0.1', userAgent: 'tests', requestId: randomUUID() })

/** A session of a user: its tokens, and its id. */
export async function makeSession(user: User): Promise<{ token: string; refreshToken: string; sessionId: string }> {
  const { token, refreshToken } = await openSession(user, origin())
  return { token, refreshToken, sessionId: verifyAccessToken(token)?.sessionId ?? '' }
}

/** A user with an open session and its tokens. */
export async function signIn(
  given: { role?: Role; name?: string | null } = {},
): Promise<{ user: User; token: string; refreshToken: string; sessionId: string }> {
  const user = await makeUser(given)
  return { user, ...(await makeSession(user)) }
}

/** An API key of a user with these scopes: a bearer token. */
export async function makeApiKey(
  owner: User,
  scopes: Scope[],
  given: { expiresAt?: Date } = {},
): Promise<{ id: string; key: string }> {
  const actor = { credential: 'session', userId: owner.id, role: owner.role, sessionId: randomUUID() } as const
  return createApiKey(actor, { name: 'tests', scopes, ...given }, origin())
}

let catalogue: NewProduct[] = []

/** What a product is made of, as the seed makes them, with an SKU that nobody else has. */
export function newProduct(given: Partial<NewProduct> = {}): NewProduct {
  if (catalogue.length === 0) catalogue = productBlock(0)
  const [product] = catalogue.splice(-1)
  if (product === undefined) throw new Error('There are no products to take.')
  return { ...product, sku: randomUUID(), ...given }
}

/** A product. */
export async function makeProduct(given: Partial<NewProduct> = {}): Promise<Product> {
  return createProduct(newProduct(given))
}
