import { tokenize } from '@/lib/platform/tokenize'
import { Prisma } from '@/prisma/generated/client'
import { attributeFilters, type ProductFilters } from './schema'

/**
 * Returns a tsquery that matches every word of `q` by prefix, so that "chair" finds "chairs" without knowing the language.
 * Returns undefined when `q` has no word.
 */
function searchQuery(q: string): string | undefined {
  const words = tokenize(q)
  return words.length === 0 ? undefined : words.map((word) => `'${word}':*`).join(' & ')
}

/** Returns the JSON values that a query value matches: the text, and the number or boolean with the same spelling. */
function jsonInterpretations(value: string): (string | number | boolean)[] {
  if (value === 'true' || value === 'false') return [value, value === 'true']
  const number = Number(value)
  return value !== '' && String(number) === value && Number.isFinite(number) ? [value, number] : [value]
}

function hasAttribute(name: string, value: string): Prisma.Sql {
  const alternatives = jsonInterpretations(value).map((interpretation) => {
    const wanted = JSON.stringify(Object.fromEntries([[name, interpretation]]))
    return Prisma.sql`"attributes" @> ${wanted}::jsonb`
  })
  return Prisma.sql`(${Prisma.join(alternatives, ' OR ')})`
}

/** Returns the conditions of a WHERE clause, to be joined with AND. An index supports each. */
export function productConditions(filters: ProductFilters): Prisma.Sql[] {
  const { category, q, minPrice, maxPrice, inStock } = filters
  const conditions: Prisma.Sql[] = []
  if (category !== undefined) conditions.push(Prisma.sql`"category" = ${category}`)
  if (minPrice !== undefined) conditions.push(Prisma.sql`"price_cents" >= ${minPrice}::int`)
  if (maxPrice !== undefined) conditions.push(Prisma.sql`"price_cents" <= ${maxPrice}::int`)
  if (inStock !== undefined) conditions.push(inStock ? Prisma.sql`"stock" > 0` : Prisma.sql`"stock" = 0`)
  if (q !== undefined) {
    const wanted = searchQuery(q)
    conditions.push(wanted === undefined ? Prisma.sql`FALSE` : Prisma.sql`"search" @@ to_tsquery('simple', ${wanted})`)
  }
  for (const [name, value] of attributeFilters(filters)) conditions.push(hasAttribute(name, value))
  return conditions
}
