import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { batchBody, batchResponse, batchResult } from './schema'

export const batchRoute = defineRoute(
  '/api/batch',
  { scope: 'any' },
  {
    POST: {
      id: 'runBatch',
      summary: 'Run up to 50 operations in one request',
      description:
        'Each operation passes through its own route, with the credentials of the batch. In a body, `{ "$ref": "a.id" }` takes a value from the response of the earlier operation `a`; in a path, `{a.id}` does. With `atomic` (the default) all operations run in one transaction: the first failure rolls all of them back, and the response is its error, with `details.operation`. Otherwise each stands alone, and those that refer to a failed one get 424. Of headers, an operation may have `Accept` and the conditional ones; `Idempotency-Key` and `Prefer: dry-run` belong to the batch. Streams, file contents, uploads, `/api/auth/…` and batches are rejected.',
      body: batchBody,
      maxBodyBytes: 1_048_576,
      example: { operations: [{ id: 'hello', method: 'GET', path: '/api/hello' }] },
      errors: [
        ...(['INVALID_CREDENTIALS', 'TOKEN_EXPIRED', 'TOKEN_REUSED', 'INVALID_TOKEN'] as const),
        ...(['REAUTHENTICATION_REQUIRED', 'NOT_FOUND', 'METHOD_NOT_ALLOWED', 'CONFLICT', 'EMAIL_EXISTS'] as const),
        ...(['SKU_EXISTS', 'ALREADY_MEMBER', 'LAST_OWNER', 'FILE_EXISTS', 'CURSOR_EXPIRED'] as const),
        ...(['PRECONDITION_FAILED', 'QUOTA_EXCEEDED', 'FAILED_DEPENDENCY'] as const),
      ],
      idempotent: true,
      responses: { 200: { description: 'The responses of the operations, in order.', schema: batchResponse } },
    },
  },
)

export const batchTag: ApiTag = {
  tag: 'Batch',
  description: 'Several operations in one request, all or nothing.',
  schemas: { BatchResult: batchResult },
  operations: batchRoute.operations,
}
