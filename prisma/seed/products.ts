import { base, en, Faker } from '@faker-js/faker'
import type { NewProduct } from '@/lib/domains/products/schema'

/** Products are generated in blocks because seeding the random generator takes longer than generating a product. */
export const PRODUCTS_PER_BLOCK = 1_000

const faker = new Faker({ locale: [en, base] })

const COLORS = ['black', 'white', 'grey', 'red', 'blue', 'green', 'yellow', 'orange', 'purple', 'brown'] as const
const SIZES = ['XS', 'S', 'M', 'L', 'XL'] as const

/** Returns a price that ends in 99; most are low, few are high. */
function priceCents(): number {
  const magnitude = faker.number.float({ min: 0.5, max: 3.5 })
  return Math.round(10 ** magnitude) * 100 + 99
}

function createProduct(number: number): NewProduct {
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

/** Returns the products of a block, which starts at number `block * PRODUCTS_PER_BLOCK`; the same in every call. */
export function productBlock(block: number): NewProduct[] {
  faker.seed(block)
  return Array.from({ length: PRODUCTS_PER_BLOCK }, (_, index) => createProduct(block * PRODUCTS_PER_BLOCK + index))
}

/** Returns one product by its number. */
export function productAt(number: number): NewProduct {
  const [product] = productBlock(Math.floor(number / PRODUCTS_PER_BLOCK)).slice(number % PRODUCTS_PER_BLOCK)
  if (product === undefined) throw new Error(`Invalid product number: ${number}.`)
  return product
}
