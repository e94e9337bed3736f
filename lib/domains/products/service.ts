import { cache } from '@/lib/platform/cache/cache'
import { recordChange } from '@/lib/domains/events/service'
import { inTransaction } from '@/lib/platform/db/transaction'
import type { Precondition } from '@/lib/platform/etag'
import type { List } from '@/lib/platform/pagination/query'
import * as repository from './repository'
import type { ListProductsQuery, NewProduct, Product, ProductChanges } from './schema'

/** Cache tags of products. An import invalidates `ALL`. */
const ALL = 'products'
const LISTS = 'products:lists'
const tagOf = (id: number) => `products:${id}`

/** The cache tags of a list of products. */
export const productListTags: readonly string[] = [ALL, LISTS]

/** Returns the cache tags of a product. */
export function productTags(id: number): readonly string[] {
  return [ALL, tagOf(id)]
}

/** Runs a write that may change any number of products. */
export async function writeProducts<T>(work: () => Promise<T>): Promise<T> {
  return cache().write([ALL], work)
}

/**
 * Creates a product.
 * @throws SKU_EXISTS when another product has the SKU
 */
export async function createProduct(input: NewProduct, actorId: number | null): Promise<Product> {
  return cache().write([LISTS], () =>
    inTransaction(async () => {
      const inserted = await repository.insertProduct(input)
      await recordProduct('created', inserted.id, inserted, actorId)
      return inserted
    }),
  )
}

/** Records a change of a product as part of the surrounding transaction. */
async function recordProduct(
  change: 'created' | 'updated' | 'deleted',
  id: number,
  data: Product | null,
  actorId: number | null,
): Promise<void> {
  await recordChange({ type: `product.${change}`, actorId, id, data, audience: { everyone: true } })
}

/**
 * Returns a product.
 * @throws NOT_FOUND when it does not exist
 */
export async function getProduct(id: number): Promise<Product> {
  return repository.findProduct(id)
}

/** Lists products by filters, in the order of the query. */
export async function listProducts(query: ListProductsQuery): Promise<List<Product>> {
  return repository.listProducts(query)
}

/**
 * Updates a product.
 * @throws NOT_FOUND when it does not exist
 * @throws SKU_EXISTS when another product has the SKU
 * @throws PRECONDITION_FAILED when the precondition rejects the current product
 */
export async function updateProduct(
  id: number,
  changes: ProductChanges,
  actorId: number | null,
  precondition?: Precondition,
): Promise<Product> {
  return cache().write([LISTS, tagOf(id)], () =>
    inTransaction(async () => {
      precondition?.(await repository.lockProduct(id))
      const product = await repository.updateProduct(id, changes)
      await recordProduct('updated', id, product, actorId)
      return product
    }),
  )
}

/** Deletes a product. Throws like `updateProduct`. */
export async function deleteProduct(id: number, actorId: number | null, precondition?: Precondition): Promise<void> {
  await cache().write([LISTS, tagOf(id)], () =>
    inTransaction(async () => {
      precondition?.(await repository.lockProduct(id))
      await repository.deleteProduct(id)
      await recordProduct('deleted', id, null, actorId)
    }),
  )
}
