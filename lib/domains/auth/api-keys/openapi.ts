import Joi from 'joi'
import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { object } from '@/lib/validation'
import { apiKey, apiKeyPath, createApiKeyBody, createdApiKey, listApiKeysQuery } from './schema'

export const apiKeysRoute = defineRoute('/api/api-keys', {
  GET: {
    id: 'listApiKeys',
    summary: 'List API keys',
    description: 'Keys of the caller. Admins may list those of another user with `ownerId`.',
    access: {},
    parameters: [listApiKeysQuery],
    etag: true,
    responses: {
      200: {
        description: 'The API keys.',
        schema: object({ required: { apiKeys: Joi.array().items(apiKey) } }),
      },
    },
  },
  POST: {
    id: 'createApiKey',
    summary: 'Create an API key',
    description:
      'The response contains the key. It is shown only once. A user can have at most 50 keys. Needs a recent proof of identity.',
    access: { recent: true },
    body: createApiKeyBody,
    example: { name: 'Nightly export', scopes: ['products:read', 'files:read'] },
    idempotent: true,
    responses: { 201: { description: 'The API key.', schema: createdApiKey } },
    errors: ['QUOTA_EXCEEDED'],
  },
})

export const apiKeyRoute = defineRoute(
  '/api/api-keys/{id}',
  { recent: true },
  {
    DELETE: {
      id: 'deleteApiKey',
      summary: 'Revoke an API key',
      description: 'The key stops working immediately. Admins may revoke any key. Needs a recent proof of identity.',
      parameters: [apiKeyPath],
      responses: { 204: { description: 'Revoked.' } },
    },
  },
)

export const apiKeysTag: ApiTag = {
  tag: 'API keys',
  description: 'Keys for programs: each acts as its owner, restricted to its scopes.',
  schemas: { ApiKey: apiKey, NewApiKey: createApiKeyBody, CreatedApiKey: createdApiKey },
  operations: [...apiKeysRoute.operations, ...apiKeyRoute.operations],
}
