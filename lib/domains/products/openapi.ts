import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { pageOf } from '@/lib/platform/pagination/page-schema'
import { exportProductsQuery, importResult, listProductsQuery, product, productBody } from './schema'
import { productPath, updateProductBody } from './schema'

const attributes = {
  description:
    '`attributes[color]=red` matches products whose attribute `color` is the text `red`, or the number or boolean with the same spelling. Multiple filters must all match.',
  style: 'deepObject',
  explode: true,
  schema: { type: 'object', additionalProperties: { type: 'string', maxLength: 200 }, maxProperties: 10 },
}

const cacheHeader = {
  'X-Cache': {
    description: 'Whether the response came from the cache.',
    schema: { type: 'string', enum: ['hit', 'miss'] },
  },
}

const streams = {
  'application/x-ndjson': { schema: { type: 'string', description: 'One product per line, as JSON.' } },
  'text/csv': {
    schema: { type: 'string', description: 'RFC 4180 with a header line; `attributes` is JSON.' },
  },
}

/** The product that the Postman collection creates. */
const draft = { sku: '{{sku}}', name: 'An analytical engine', priceCents: 149_900, currency: 'EUR' }

export const productsRoute = defineRoute('/api/products', {
  GET: {
    id: 'listProducts',
    summary: 'List products',
    description:
      '`q` matches products whose name, description or SKU contains a word starting with each search term. `minPrice` and `maxPrice` are minor units, like `priceCents`.',
    access: 'public',
    parameters: [listProductsQuery],
    queryParameters: { attributes },
    etag: true,
    list: true,
    responses: {
      200: { description: 'A page of products.', schema: pageOf('products', product), headers: cacheHeader },
    },
  },
  POST: {
    id: 'createProduct',
    summary: 'Create a product',
    access: { scope: 'products:write', role: 'admin' },
    body: productBody,
    maxBodyBytes: 1_048_576,
    idempotent: true,
    postman: [{ generate: { sku: 'ENGINE-{{$randomInt}}-{{$timestamp}}' }, body: draft }],
    responses: { 201: { description: 'The product.', schema: product } },
    errors: ['SKU_EXISTS'],
  },
})

export const productRoute = defineRoute('/api/products/{id}', {
  GET: {
    id: 'getProduct',
    summary: 'Get a product',
    access: 'public',
    parameters: [productPath],
    etag: true,
    responses: { 200: { description: 'The product.', schema: product, headers: cacheHeader } },
  },
  PUT: {
    id: 'replaceProduct',
    summary: 'Replace a product',
    description: 'Omitted fields are set to their defaults.',
    access: { scope: 'products:write', role: 'admin' },
    parameters: [productPath],
    body: productBody,
    maxBodyBytes: 1_048_576,
    ifMatch: true,
    postman: [{ body: { ...draft, priceCents: 129_900 } }],
    responses: { 200: { description: 'The updated product.', schema: product } },
    errors: ['SKU_EXISTS'],
  },
  PATCH: {
    id: 'updateProduct',
    summary: 'Update a product',
    description: '`attributes` are replaced as a whole.',
    access: { scope: 'products:write', role: 'admin' },
    parameters: [productPath],
    body: updateProductBody,
    maxBodyBytes: 1_048_576,
    example: { stock: 12 },
    ifMatch: true,
    responses: { 200: { description: 'The updated product.', schema: product } },
    errors: ['SKU_EXISTS'],
  },
  DELETE: {
    id: 'deleteProduct',
    summary: 'Delete a product',
    access: { scope: 'products:write', role: 'admin' },
    parameters: [productPath],
    ifMatch: true,
    responses: { 204: { description: 'Deleted.' } },
  },
})

export const importProductsRoute = defineRoute(
  '/api/products/import',
  { scope: 'products:write', role: 'admin' },
  {
    POST: {
      id: 'importProducts',
      summary: 'Bulk import products (upsert by SKU)',
      description:
        'One complete product per line. If a SKU occurs twice, the later line wins. Invalid lines are reported (first 100) and skipped. The body may have any size.',
      rawBody: streams,
      postman: [{ raw: { type: 'text/csv', text: 'sku,name,priceCents,currency\nCARD-1,A punched card,25,EUR\n' } }],
      responses: { 200: { description: 'Import result.', schema: importResult } },
      errors: ['VALIDATION_ERROR', 'UNSUPPORTED_MEDIA_TYPE'],
    },
  },
)

export const exportProductsRoute = defineRoute('/api/products/export', 'public', {
  GET: {
    id: 'exportProducts',
    summary: 'Export products',
    description:
      'NDJSON, or CSV if `Accept` prefers it, ordered by id. The import accepts the result. CSV escapes formula-like values with a leading apostrophe.',
    parameters: [exportProductsQuery],
    queryParameters: { attributes },
    responses: { 200: { description: 'The products.', content: streams } },
  },
})

export const productsTag: ApiTag = {
  tag: 'Products',
  description: 'The product catalogue: readable by everyone, writable by admins.',
  schemas: {
    Product: product,
    NewProduct: productBody,
    ProductChanges: updateProductBody,
    ImportResult: importResult,
  },
  operations: [
    ...productsRoute.operations,
    ...productRoute.operations,
    ...importProductsRoute.operations,
    ...exportProductsRoute.operations,
  ],
}
