import Joi from 'joi'
import type { ApiTag } from '@/lib/openapi/operation'
import { object } from '@/lib/validation'
import { apiKey, apiKeyPath, createApiKeyBody, createdApiKey } from './schema'

/** Keys for programs. */
export const apiKeysDomain: ApiTag = {
  tag: 'API keys',
  description: 'Keys for programs: each acts as its owner, narrowed to its scopes.',
  schemas: { ApiKey: apiKey, NewApiKey: createApiKeyBody, CreatedApiKey: createdApiKey },
  operations: [
    {
      id: 'createApiKey',
      method: 'post',
      path: '/api/api-keys',
      summary: 'Make an API key',
      description: 'The answer holds the `key` itself: the only time that it is shown.',
      audience: 'user',
      body: createApiKeyBody,
      example: { name: 'Nightly export', scopes: ['products:read', 'files:read'] },
      idempotent: true,
      answers: { 201: { description: 'The key.', schema: createdApiKey } },
    },
    {
      id: 'listApiKeys',
      method: 'get',
      path: '/api/api-keys',
      summary: 'List my API keys',
      audience: 'user',
      etag: true,
      answers: {
        200: {
          description: 'Every key of the caller.',
          schema: object({ required: { apiKeys: Joi.array().items(apiKey) } }),
        },
      },
    },
    {
      id: 'deleteApiKey',
      method: 'delete',
      path: '/api/api-keys/{id}',
      summary: 'End an API key',
      description: 'It is dead at once.',
      audience: 'user',
      parameters: [apiKeyPath],
      answers: { 204: { description: 'Ended.' } },
    },
  ],
}
