import Joi from 'joi'
import type { ApiTag } from '@/lib/openapi/operation'
import { pageOf } from '@/lib/platform/pagination/page-schema'
import { object } from '@/lib/validation'
import { exportProductsQuery, listProductsQuery, product, productBody, productPath, updateProductBody } from './schema'

const path = '/api/products/{id}'

const count = () => Joi.number().integer().min(0)

const importResult = object({
  required: {
    created: count(),
    updated: count(),
    failed: count(),
    errors: Joi.array().items(
      object({
        required: {
          line: Joi.number().integer().min(1),
          details: Joi.object().pattern(Joi.string(), Joi.array().items(Joi.string())),
        },
      }),
    ),
  },
})

const attributes = {
  description:
    '`attributes[color]=red`: products whose attribute `color` is the text `red`; a number or truth value that is written like the value will do too. Several must all hold.',
  style: 'deepObject',
  explode: true,
  schema: { type: 'object', additionalProperties: { type: 'string', maxLength: 200 }, maxProperties: 10 },
}

const cacheHeader = {
  'X-Cache': {
    description: 'Whether the answer came from the cache.',
    schema: { type: 'string', enum: ['hit', 'miss'] },
  },
}

const streams = {
  'application/x-ndjson': { schema: { type: 'string', description: 'A product as JSON a line.' } },
  'text/csv': {
    schema: { type: 'string', description: 'RFC 4180; the first line names the columns, `attributes` is JSON.' },
  },
}

/** What the Postman collection makes. */
const draft = { sku: '{{sku}}', name: 'An analytical engine', priceCents: 149_900, currency: 'EUR' }

/** The catalogue. */
export const productsDomain: ApiTag = {
  tag: 'Products',
  description: 'The catalogue: anybody reads it, admins write it.',
  schemas: {
    Product: product,
    NewProduct: productBody,
    ProductChanges: updateProductBody,
    ImportResult: importResult,
  },
  operations: [
    {
      id: 'listProducts',
      method: 'get',
      path: '/api/products',
      summary: 'List products',
      description:
        '`q` looks for words in name, description and SKU, each by its beginning; `minPrice` and `maxPrice` are minor units, like `priceCents`.',
      audience: 'public',
      parameters: [listProductsQuery],
      queryParameters: { attributes },
      etag: true,
      list: true,
      answers: {
        200: { description: 'A page of products.', schema: pageOf('products', product), headers: cacheHeader },
      },
    },
    {
      id: 'createProduct',
      method: 'post',
      path: '/api/products',
      summary: 'Make a product',
      audience: 'admin',
      scope: 'products:write',
      body: productBody,
      idempotent: true,
      postman: [{ fresh: { sku: 'ENGINE-{{$randomInt}}-{{$timestamp}}' }, body: draft }],
      answers: { 201: { description: 'The product.', schema: product } },
      errors: ['SKU_EXISTS'],
    },
    {
      id: 'getProduct',
      method: 'get',
      path,
      summary: 'Read a product',
      audience: 'public',
      parameters: [productPath],
      etag: true,
      answers: { 200: { description: 'The product.', schema: product, headers: cacheHeader } },
    },
    {
      id: 'replaceProduct',
      method: 'put',
      path,
      summary: 'Replace a product',
      description: 'What is left out takes its default.',
      audience: 'admin',
      scope: 'products:write',
      parameters: [productPath],
      body: productBody,
      ifMatch: true,
      postman: [{ body: { ...draft, priceCents: 129_900 } }],
      answers: { 200: { description: 'The product as it is now.', schema: product } },
      errors: ['SKU_EXISTS'],
    },
    {
      id: 'updateProduct',
      method: 'patch',
      path,
      summary: 'Change some of a product',
      description: '`attributes` are replaced as a whole.',
      audience: 'admin',
      scope: 'products:write',
      parameters: [productPath],
      body: updateProductBody,
      example: { stock: 12 },
      ifMatch: true,
      answers: { 200: { description: 'The product as it is now.', schema: product } },
      errors: ['SKU_EXISTS'],
    },
    {
      id: 'deleteProduct',
      method: 'delete',
      path,
      summary: 'Delete a product',
      audience: 'admin',
      scope: 'products:write',
      parameters: [productPath],
      ifMatch: true,
      answers: { 204: { description: 'Deleted.' } },
    },
    {
      id: 'importProducts',
      method: 'post',
      path: '/api/products/import',
      summary: 'Make or replace products by their SKUs',
      description:
        'A line is a whole product; of two with one SKU the later counts. Bad lines are told of, the first 100 of them, and stop nothing. The body may be of any length.',
      audience: 'admin',
      scope: 'products:write',
      rawBody: streams,
      postman: [{ raw: { type: 'text/csv', text: 'sku,name,priceCents,currency\nCARD-1,A punched card,25,EUR\n' } }],
      answers: { 200: { description: 'What came of it.', schema: importResult } },
      errors: ['VALIDATION_ERROR', 'UNSUPPORTED_MEDIA_TYPE'],
    },
    {
      id: 'exportProducts',
      method: 'get',
      path: '/api/products/export',
      summary: 'Receive products as a file',
      description:
        'NDJSON, or CSV where `Accept` asks for it, in the order of the ids. What it writes, the import reads. In CSV a text that a spreadsheet would take for a formula begins with an apostrophe.',
      audience: 'public',
      parameters: [exportProductsQuery],
      queryParameters: { attributes },
      answers: { 200: { description: 'The products.', content: streams } },
    },
  ],
}
