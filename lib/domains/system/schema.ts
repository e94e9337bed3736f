import Joi from 'joi'
import { object, oneOf, type Infer } from '@/lib/validation'

const dependency = object({
  required: { status: oneOf('ok', 'down', 'off') },
  optional: { latencyMs: Joi.number() },
})
export type DependencyState = Infer<typeof dependency>

export const readiness = object({
  required: {
    status: oneOf('ok', 'down'),
    checks: Joi.object<Record<string, DependencyState>>().pattern(Joi.string(), dependency),
  },
})
export type Readiness = Infer<typeof readiness>

const path = Joi.string()

export const greeting = object({
  required: {
    name: Joi.string(),
    version: Joi.string(),
    documents: object({ required: { openapi: path, postman: path, reference: path } }),
  },
})
export type Greeting = Infer<typeof greeting>
