import { base, en, Faker } from '@faker-js/faker'
import type { NewProduct } from '@/lib/domains/products/schema'

/** Products are made by the thousand: starting the random numbers anew for each would take longer than the product. */
export const BLOCK_PRODUCTS = 1_000

const faker = new Faker({ locale: [en, base] })

const COLORS = ['black', 'white', 'grey', 'red', 'blue', 'green', 'yellow', 'orange', 'purple', 'brown'] as const
const SIZES = ['XS', 'S', 'M', 'L', 'XL'] as const

/** Most things are cheap, few are dear, and prices end in 99. */
function priceCents(): number {
  const magnitude = faker.number.float({ min: 0.5, max: 3.5 })
  return Math.round(10 ** magnitude) * 100 + 99
}

function productOf(number: number): NewProduct {
  const category = faker.commerce.department()
  const color = faker.helpers.arrayElement(COLORS)
  const material = faker.commerce.productMaterial()
  const product = faker.commerce.product()
  return {
    sku: `${category.slice(0, 3).toUpperCase()}-${String(number).padStart(7, '0')}`,
    name: `${faker.commerce.productAdjective()} ${material} ${product}`,
    description: faker.commerce.productDescription(),
    category,
    priceCents: priceCents(),
    currency: 'USD',
    stock: faker.number.int(4) === 0 ? 0 : faker.number.int({ min: 1, max: 500 }),
    attributes: {
      color,
      material: material.toLowerCase(),
      weightGrams: faker.number.int({ min: 10, max: 20_000 }),
      refurbished: faker.number.int(19) === 0,
      ...(category === 'Clothing' && { size: faker.helpers.arrayElement(SIZES) }),
    },
  }
}

/** The products `block * 1000` up to the next block's, believable and the same at every call. */
export function productBlock(block: number): NewProduct[] {
  faker.seed(block)
  return Array.from({ length: BLOCK_PRODUCTS }, (_, index) => productOf(block * BLOCK_PRODUCTS + index))
}

/** One product of those. */
export function productAt(number: number): NewProduct {
  const [product] = productBlock(Math.floor(number / BLOCK_PRODUCTS)).slice(number % BLOCK_PRODUCTS)
  if (product === undefined) throw new Error(`There is no product ${number}.`)
  return product
}
