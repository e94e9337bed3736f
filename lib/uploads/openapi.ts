import type { Domain } from '@/lib/openapi/operation'
import { uploaded } from './schema'

const form = {
  type: 'object',
  required: ['file'],
  additionalProperties: false,
  properties: { file: { type: 'string', contentMediaType: 'application/octet-stream', description: 'Up to 10 MiB.' } },
}

/** Images from forms. */
export const uploadsDomain: Domain = {
  tag: 'Uploads',
  description: 'Images from a form, kept among the caller’s files.',
  schemas: { Upload: uploaded },
  operations: [
    {
      id: 'uploadImage',
      method: 'post',
      path: '/api/upload',
      summary: 'Upload an image',
      description: 'JPEG, PNG or GIF, by its bytes and not by its name.',
      audience: 'user',
      scope: 'files:write',
      rawBody: { 'multipart/form-data': { schema: form } },
      answers: { 201: { description: 'The stored file, and where it is.', schema: uploaded } },
      errors: ['PAYLOAD_TOO_LARGE', 'QUOTA_EXCEEDED', 'UNSUPPORTED_MEDIA_TYPE'],
    },
  ],
}
