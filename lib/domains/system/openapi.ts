import Joi from 'joi'
import { user } from '@/lib/domains/users/schema'
import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { object } from '@/lib/validation'
import { greeting, readiness } from './schema'

const message = object({ required: { message: Joi.string() } })
const healthy = object({ required: { status: Joi.string().valid('ok') } })
export const referencePath = object({ required: { asset: Joi.string().max(100) } })
const anyJson = { type: 'object' }

export const greetingRoute = defineRoute('/api', 'public', {
  GET: {
    id: 'getGreeting',
    summary: 'Name, version and documentation links',
    responses: { 200: { description: 'The service.', schema: greeting } },
  },
})

export const helloRoute = defineRoute('/api/hello', 'public', {
  GET: {
    id: 'getHello',
    summary: 'Greeting',
    responses: { 200: { description: 'The greeting.', schema: message } },
  },
})

export const protectedRoute = defineRoute(
  '/api/protected',
  { scope: 'any' },
  {
    GET: {
      id: 'getProtected',
      summary: 'Authenticated greeting',
      postman: [{ as: 'anonymous', status: 401 }],
      responses: {
        200: {
          description: 'The greeting and the caller; an API key needs the scope `users:read` to read the user.',
          schema: object({ required: { message: Joi.string() }, optional: { user } }),
        },
      },
    },
  },
)

// Probes share one address: a 429 would restart a healthy process or take it out of service.
export const healthRoute = defineRoute('/api/health', 'public', {
  GET: {
    id: 'getHealth',
    summary: 'Liveness check',
    rateLimited: false,
    responses: { 200: { description: 'The process is running.', schema: healthy } },
  },
})

export const readinessRoute = defineRoute('/api/ready', 'public', {
  GET: {
    id: 'getReadiness',
    summary: 'Readiness check',
    description: 'Lists each dependency with its state and, if it was checked, its latency.',
    rateLimited: false,
    responses: {
      200: { description: 'All dependencies are available.', schema: readiness },
      503: { description: 'A dependency is down, or the process is shutting down.', schema: readiness },
    },
  },
})

// Metrics are needed most under overload, when a limit would block them.
export const metricsRoute = defineRoute('/api/metrics', 'public', {
  GET: {
    id: 'getMetrics',
    summary: 'Prometheus metrics',
    description:
      'Requires `METRICS_TOKEN` as the bearer token; if it is unset, only programs on the same host may call it.',
    rateLimited: false,
    errors: ['UNAUTHORIZED', 'FORBIDDEN'],
    responses: {
      200: { description: 'The metrics.', content: { 'text/plain': { schema: { type: 'string' } } } },
    },
  },
})

export const openApiRoute = defineRoute('/api/openapi.json', 'public', {
  GET: {
    id: 'getOpenApiDocument',
    summary: 'This document',
    etag: true,
    responses: { 200: { description: 'OpenAPI 3.1.', content: { 'application/json': { schema: anyJson } } } },
  },
})

export const postmanRoute = defineRoute('/api/postman.json', 'public', {
  GET: {
    id: 'getPostmanCollection',
    summary: 'Postman collection',
    etag: true,
    responses: {
      200: { description: 'A collection (format 2.1).', content: { 'application/json': { schema: anyJson } } },
    },
  },
})

export const referenceRoute = defineRoute('/api/docs', 'public', {
  GET: {
    id: 'getReference',
    summary: 'Interactive API reference (Swagger UI)',
    responses: { 200: { description: 'The page.', content: { 'text/html': { schema: { type: 'string' } } } } },
  },
})

export const referenceAssetRoute = defineRoute('/api/docs/{asset}', 'public', {
  GET: {
    id: 'getReferenceAsset',
    summary: 'A file of the API reference',
    parameters: [referencePath],
    postman: [{ path: { asset: 'start.js' } }],
    responses: {
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
})

export const systemTag: ApiTag = {
  tag: 'System',
  description: 'Greeting, health checks, metrics and API documentation.',
  schemas: { Greeting: greeting, Readiness: readiness },
  operations: [
    greetingRoute.GET,
    helloRoute.GET,
    protectedRoute.GET,
    healthRoute.GET,
    readinessRoute.GET,
    metricsRoute.GET,
    openApiRoute.GET,
    postmanRoute.GET,
    referenceRoute.GET,
    referenceAssetRoute.GET,
  ],
}
