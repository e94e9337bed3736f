import { isCheckViolation, isMissingRow, isUniqueViolation } from '@/lib/platform/db/errors'
import type { Precondition } from '@/lib/platform/etag'
import { AppError, validationError } from '@/lib/errors'
import { integerColumn, textColumn, timestampColumn } from '@/lib/platform/pagination/keyset'
import type { List } from '@/lib/platform/pagination/query'
import { databasePool, prisma } from '@/lib/platform/db/prisma'
import { paginate } from '@/lib/platform/pagination/paginate'
import { inTransaction, lockRow } from '@/lib/platform/db/transaction'
import { Prisma } from '@/prisma/generated/client'
import type { Attributes } from './attributes'
import { productConditions } from './where'
import type { ListProductsQuery, NewProduct, Product, ProductChanges } from './schema'

/** The columns of a product that leave the house. */
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

/** The same columns in SQL, in the order of the contract. */
export const PRODUCT_COLUMNS = `id, sku, name, description, category, price_cents AS "priceCents", currency, stock,
  attributes, created_at AS "createdAt", updated_at AS "updatedAt"`

type Row = Omit<Product, 'attributes'> & { attributes: Prisma.JsonValue }

function isAttributes(value: Prisma.JsonValue): value is Attributes {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function toProduct(row: Row): Product {
  const { attributes } = row
  if (!isAttributes(attributes)) throw new Error(`The attributes of product ${row.id} are no object.`)
  return { ...row, attributes }
}

function translate(error: unknown): never {
  if (isUniqueViolation(error)) throw new AppError('SKU_EXISTS', { cause: error })
  if (isMissingRow(error)) throw new AppError('NOT_FOUND', { cause: error })
  if (isCheckViolation(error, 'products_attributes_size_check'))
    throw validationError({ attributes: ['must not hold so many large numbers'] })
  throw error
}

/** SKU_EXISTS. */
export async function insertProduct(input: NewProduct): Promise<Product> {
  try {
    return toProduct(await inTransaction(() => prisma().product.create({ data: input, select: productColumns })))
  } catch (error) {
    return translate(error)
  }
}

/** NOT_FOUND when there is none. One prepared statement: this is the read that there is most of. */
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

/** Holds a product still for the rest of the transaction, and sees whether it is the one that the client knows. */
async function checkPrecondition(id: number, precondition: Precondition | undefined): Promise<void> {
  if (precondition === undefined) return
  await lockRow('products', id)
  const row = await prisma().product.findUnique({ where: { id }, select: productColumns })
  if (row === null) throw new AppError('NOT_FOUND')
  precondition(toProduct(row))
}

/** NOT_FOUND, SKU_EXISTS, PRECONDITION_FAILED. */
export async function updateProduct(
  id: number,
  changes: ProductChanges,
  precondition?: Precondition,
): Promise<Product> {
  try {
    return await inTransaction(async () => {
      await checkPrecondition(id, precondition)
      return toProduct(await prisma().product.update({ where: { id }, data: changes, select: productColumns }))
    })
  } catch (error) {
    return translate(error)
  }
}

/** NOT_FOUND when there is none; PRECONDITION_FAILED. */
export async function deleteProduct(id: number, precondition?: Precondition): Promise<void> {
  await inTransaction(async () => {
    await checkPrecondition(id, precondition)
    const { count } = await prisma().product.deleteMany({ where: { id } })
    if (count === 0) throw new AppError('NOT_FOUND')
  })
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
} as const

async function findProducts(ids: readonly number[]): Promise<Product[]> {
  const { rows } = await databasePool().query<Product>({
    name: 'find-products',
    text: `SELECT ${PRODUCT_COLUMNS} FROM products WHERE id = ANY($1::int[])`,
    values: [ids],
  })
  return rows
}

/** Part of the products, by id unless the query says otherwise. */
export async function listProducts(query: ListProductsQuery): Promise<List<Product>> {
  const where = productConditions(query)
  return paginate(productList, query, { where, rows: findProducts, getId: (product) => product.id })
}
