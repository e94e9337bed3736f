import Joi from 'joi'
import { METHODS } from '@/lib/platform/operation'
import { object, oneOf, text, type Infer } from '@/lib/validation'

const OPERATIONS_MAX = 50
const PATH_MAX_CHARACTERS = 2_048
const HEADER_MAX_CHARACTERS = 1_024

/** Request headers that an operation may have of its own; the credentials are those of the batch. */
const OPERATION_HEADERS = /^(if-match|if-none-match|if-modified-since|if-unmodified-since|accept)$/i

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}

const operationId = () => Joi.string().pattern(/^[A-Za-z0-9_-]{1,64}$/)

const batchOperation = object({
  required: {
    id: operationId().max(64),
    method: oneOf(...METHODS),
    path: text({ min: 1, max: PATH_MAX_CHARACTERS })
      .pattern(/^\/api(\/[\x21-\x7e]*)?$/)
      .custom((path: string, helpers) => (isDecodable(path) ? path : helpers.error('any.invalid'))),
  },
  optional: {
    headers: Joi.object<Record<string, string>>()
      .pattern(OPERATION_HEADERS, Joi.string().max(HEADER_MAX_CHARACTERS))
      .meta({ jsonSchema: { additionalProperties: { type: 'string' } } }),
    body: Joi.any(),
  },
})
export type BatchOperation = Infer<typeof batchOperation>

export const batchBody = object({
  required: { operations: Joi.array().items(batchOperation).min(1).max(OPERATIONS_MAX).unique('id') },
  defaulted: { atomic: Joi.boolean().default(true) },
})
export type Batch = Infer<typeof batchBody>

export const batchResult = object({
  required: {
    id: Joi.string(),
    status: Joi.number().integer(),
    headers: Joi.object<Record<string, string>>().pattern(/.*/, Joi.string()),
    body: Joi.any().required(),
  },
})
export type BatchResult = { id: string; status: number; headers: Record<string, string>; body: unknown }

export const batchResponse = object({ required: { results: Joi.array().items(batchResult).max(OPERATIONS_MAX) } })
