import Joi from 'joi'
import { SCOPES, type Scope } from '@/lib/platform/identity/scopes'
import { idParameter, object, oneOf, text, timestamp, uuidParameter, type Infer } from '@/lib/validation'

const NAME_MAX = 100

const scopes = () =>
  Joi.array<Scope[]>()
    .items(oneOf(...SCOPES))
    .min(1)
    .max(SCOPES.length)
    .unique()
const nullableTime = () => Joi.date<Date | null>().iso().allow(null)
const name = () => text({ min: 1, max: NAME_MAX }).trim()

export const createApiKeyBody = object({
  required: { name: name(), scopes: scopes() },
  optional: { expiresAt: nullableTime().greater('now').messages({ 'date.greater': 'must be in the future' }) },
})
export type NewApiKey = Infer<typeof createApiKeyBody>

const columns = {
  id: Joi.string().guid(),
  name: name(),
  /** The first characters of the key, by which its owner recognises it. */
  prefix: Joi.string(),
  scopes: scopes(),
  expiresAt: nullableTime(),
  /** Accurate to the minute. */
  lastUsedAt: nullableTime(),
  createdAt: timestamp(),
}

export const apiKey = object({ required: columns })
export type ApiKey = Infer<typeof apiKey>

/** The response to the creation, the only one that contains the key itself. */
export const createdApiKey = object({ required: { ...columns, key: Joi.string() } })
export type CreatedApiKey = Infer<typeof createdApiKey>

/** Keys of the caller by default; only admins may name another owner. */
export const listApiKeysQuery = object({ optional: { ownerId: idParameter() } })

export const apiKeyPath = object({ required: { id: uuidParameter() } })
