import { isCheckViolation, isMissingRow, isUniqueViolation } from '@/lib/platform/db/errors'
import { AppError, validationError } from '@/lib/errors'
import { integerColumn, textColumn, timestampColumn } from '@/lib/platform/pagination/keyset'
import type { List } from '@/lib/platform/pagination/query'
import { databasePool, prisma } from '@/lib/platform/db/prisma'
import { paginate } from '@/lib/platform/pagination/paginate'
import { Prisma } from '@/prisma/generated/client'
import type { Attributes } from './attributes'
import { PRODUCT_COLUMNS } from './columns'
import { productConditions } from './where'
import type { ListProductsQuery, NewProduct, Product, ProductChanges } from './schema'

const productColumns = {
  id: true,
  sku: true,
  name: true,
  description: true,
  category: true,
  priceCents: true,
  currency: true,
  stock: true,
  attributes: true,
  createdAt: true,
  updatedAt: true,
} satisfies Prisma.ProductSelect

type Row = Omit<Product, 'attributes'> & { attributes: Prisma.JsonValue }

function isAttributes(value: Prisma.JsonValue): value is Attributes {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function toProduct(row: Row): Product {
  const { attributes } = row
  if (!isAttributes(attributes)) throw new Error(`The attributes of product ${row.id} are not an object.`)
  return { ...row, attributes }
}

function translate(error: unknown): never {
  if (isUniqueViolation(error)) throw new AppError('SKU_EXISTS', { cause: error })
  if (isMissingRow(error)) throw new AppError('NOT_FOUND', { cause: error })
  if (isCheckViolation(error, 'products_attributes_size_check')) throw validationError({ attributes: ['is too large'] })
  throw error
}

/**
 * Inserts a product.
 * @throws SKU_EXISTS when another product has the SKU
 */
export async function insertProduct(input: NewProduct): Promise<Product> {
  return toProduct(await prisma().product.create({ data: input, select: productColumns }).catch(translate))
}

/**
 * Returns a product outside of any transaction. Bypasses Prisma because this is the most frequent query.
 * @throws NOT_FOUND when it does not exist
 */
export async function findProduct(id: number): Promise<Product> {
  const { rows } = await databasePool().query<Product>({
    name: 'find-product',
    text: `SELECT ${PRODUCT_COLUMNS} FROM products WHERE id = $1`,
    values: [id],
  })
  const [product] = rows
  if (product === undefined) throw new AppError('NOT_FOUND')
  return product
}

/**
 * Locks a product against changes until the end of the transaction, and returns it.
 * @throws NOT_FOUND when it does not exist
 */
export async function lockProduct(id: number): Promise<Product> {
  const [product] = await prisma().$queryRaw<Product[]>`
    SELECT ${Prisma.raw(PRODUCT_COLUMNS)} FROM products WHERE id = ${id} FOR NO KEY UPDATE`
  if (product === undefined) throw new AppError('NOT_FOUND')
  return product
}

/**
 * Updates a product.
 * @throws NOT_FOUND when it does not exist
 * @throws SKU_EXISTS when another product has the SKU
 */
export async function updateProduct(id: number, changes: ProductChanges): Promise<Product> {
  const update = prisma().product.update({ where: { id }, data: changes, select: productColumns })
  return toProduct(await update.catch(translate))
}

/**
 * Deletes a product.
 * @throws NOT_FOUND when it does not exist
 */
export async function deleteProduct(id: number): Promise<void> {
  const { count } = await prisma().product.deleteMany({ where: { id } })
  if (count === 0) throw new AppError('NOT_FOUND')
}

const productList = {
  name: 'products',
  from: Prisma.sql`"products"`,
  id: integerColumn('"id"'),
  fields: {
    name: textColumn('"name"'),
    priceCents: integerColumn('"price_cents"'),
    stock: integerColumn('"stock"'),
    createdAt: timestampColumn('"created_at"'),
  },
  bytes: Prisma.sql`octet_length("description") + octet_length("attributes"::text)`,
} as const

async function findProducts(ids: readonly number[]): Promise<Product[]> {
  const { rows } = await databasePool().query<Product>({
    name: 'find-products',
    text: `SELECT ${PRODUCT_COLUMNS} FROM products WHERE id = ANY($1::int[])`,
    values: [ids],
  })
  return rows
}

/** Lists products by filters, sorted by id unless the query says otherwise. */
export async function listProducts(query: ListProductsQuery): Promise<List<Product>> {
  const where = productConditions(query)
  return paginate(productList, query, { where, rows: findProducts, getId: (product) => product.id })
}
