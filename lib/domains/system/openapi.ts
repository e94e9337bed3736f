import type { ApiTag } from '@/lib/openapi/operation'
import { user } from '@/lib/domains/users/schema'
import Joi from 'joi'
import { object } from '@/lib/validation'
import { greeting, readiness } from './schema'

const message = object({ required: { message: Joi.string() } })
const healthy = object({ required: { status: Joi.string().valid('ok') } })
const referencePath = object({ required: { asset: Joi.string() } })
const anyJson = { type: 'object' }

/** The greeting, the health checks and the documents. */
export const systemDomain: ApiTag = {
  tag: 'System',
  description: 'The greeting, health checks and the documents that describe the rest.',
  schemas: { Greeting: greeting, Readiness: readiness },
  operations: [
    {
      id: 'getGreeting',
      method: 'get',
      path: '/api',
      summary: 'Name, version and the documents',
      audience: 'public',
      answers: { 200: { description: 'What this is.', schema: greeting } },
    },
    {
      id: 'getHello',
      method: 'get',
      path: '/api/hello',
      summary: 'A greeting',
      audience: 'public',
      answers: { 200: { description: 'The greeting.', schema: message } },
    },
    {
      id: 'getProtected',
      method: 'get',
      path: '/api/protected',
      summary: 'A greeting for the signed-in',
      audience: 'user',
      scope: 'any',
      postman: [{ as: 'nobody', status: 401 }],
      answers: {
        200: {
          description: 'The greeting, and who was greeted.',
          schema: object({ required: { message: Joi.string(), user } }),
        },
      },
    },
    {
      id: 'getHealth',
      method: 'get',
      path: '/api/health',
      summary: 'Whether the process serves',
      audience: 'public',
      unlimited: true,
      answers: { 200: { description: 'It does.', schema: healthy } },
    },
    {
      id: 'getReadiness',
      method: 'get',
      path: '/api/ready',
      summary: 'Whether the process can do its work',
      description: 'Names each dependency with its state, and how long it took to answer where it was asked.',
      audience: 'public',
      unlimited: true,
      answers: {
        200: { description: 'Every dependency works.', schema: readiness },
        503: { description: 'A dependency is down, or the process is stopping.', schema: readiness },
      },
    },
    {
      id: 'getMetrics',
      method: 'get',
      path: '/api/metrics',
      summary: 'Figures of the process for Prometheus',
      description: 'For the bearer of `METRICS_TOKEN`; where none is set, for the machine that it runs on.',
      audience: 'public',
      unlimited: true,
      errors: ['UNAUTHORIZED', 'FORBIDDEN'],
      answers: {
        200: { description: 'The figures.', content: { 'text/plain': { schema: { type: 'string' } } } },
      },
    },
    {
      id: 'getOpenApiDocument',
      method: 'get',
      path: '/api/openapi.json',
      summary: 'This document',
      audience: 'public',
      etag: true,
      answers: {
        200: {
          description: 'OpenAPI 3.1.',
          content: { 'application/json': { schema: anyJson } },
        },
      },
    },
    {
      id: 'getPostmanCollection',
      method: 'get',
      path: '/api/postman.json',
      summary: 'The Postman collection of this interface',
      audience: 'public',
      etag: true,
      answers: {
        200: { description: 'A collection of the format 2.1.', content: { 'application/json': { schema: anyJson } } },
      },
    },
    {
      id: 'getReference',
      method: 'get',
      path: '/api/docs',
      summary: 'The reference as a page to read and try',
      audience: 'public',
      answers: { 200: { description: 'The page.', content: { 'text/html': { schema: { type: 'string' } } } } },
    },
    {
      id: 'getReferenceAsset',
      method: 'get',
      path: '/api/docs/{asset}',
      summary: 'A file of the reference page',
      audience: 'public',
      parameters: [referencePath],
      postman: [{ path: { asset: 'start.js' } }],
      answers: {
        200: {
          description: 'The file.',
          headers: { ETag: { description: 'The version of the file.', schema: { type: 'string' } } },
          content: {
            'image/png': { schema: {} },
            'text/css': { schema: { type: 'string' } },
            'text/javascript': { schema: { type: 'string' } },
          },
        },
      },
    },
  ],
}
