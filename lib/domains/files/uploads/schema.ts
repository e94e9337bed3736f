import Joi from 'joi'
import { file } from '@/lib/domains/files/schema'
import { object, type Infer } from '@/lib/validation'

export const UPLOAD_MAX_BYTES = 10 * 1024 * 1024

export const uploaded = object({
  required: {
    success: Joi.boolean().valid(true).required(),
    fileName: Joi.string(),
    size: Joi.number().integer().min(1),
    type: Joi.string().valid('image/jpeg', 'image/png', 'image/gif').required(),
    url: Joi.string().meta({ jsonSchema: { format: 'uri-reference' } }),
    file,
  },
})
export type Uploaded = Infer<typeof uploaded>
