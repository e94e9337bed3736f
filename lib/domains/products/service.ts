import { cache } from '@/lib/platform/cache/cache'
import type { Precondition } from '@/lib/platform/etag'
import { afterCommit } from '@/lib/platform/db/transaction'
import type { List } from '@/lib/platform/pagination/query'
import * as repository from './repository'
import type { ListProductsQuery, NewProduct, Product, ProductChanges } from './schema'

/** What is cached of products belongs to one of these and to all of them; an import touches all at once. */
const ALL = 'products'
const LISTS = 'products:lists'
const tagOf = (id: number) => `products:${id}`

/** The groups of a cached list of products. */
export const listGroups: readonly string[] = [ALL, LISTS]

/** The groups of a cached product. */
export function productGroups(id: number): readonly string[] {
  return [ALL, tagOf(id)]
}

/** Does what may touch any number of products. */
export async function changeProducts<T>(work: () => Promise<T>): Promise<T> {
  return cache().write([ALL], work)
}

/**
 * SKU_EXISTS. Where this is part of a larger transaction, readers go on with what was before until it commits, and what
 * they read until then must not be kept.
 */
export async function createProduct(input: NewProduct): Promise<Product> {
  const product = await cache().write([LISTS], () => repository.insertProduct(input))
  await afterCommit(() => cache().write([LISTS], async () => {}))
  return product
}

/** NOT_FOUND. */
export async function getProduct(id: number): Promise<Product> {
  return repository.findProduct(id)
}

/** Part of the products, as the query asks. */
export async function listProducts(query: ListProductsQuery): Promise<List<Product>> {
  return repository.listProducts(query)
}

/** NOT_FOUND, SKU_EXISTS, PRECONDITION_FAILED. */
export async function updateProduct(
  id: number,
  changes: ProductChanges,
  precondition?: Precondition,
): Promise<Product> {
  return cache().write([LISTS, tagOf(id)], () => repository.updateProduct(id, changes, precondition))
}

/** NOT_FOUND, PRECONDITION_FAILED. */
export async function deleteProduct(id: number, precondition?: Precondition): Promise<void> {
  await cache().write([LISTS, tagOf(id)], () => repository.deleteProduct(id, precondition))
}
