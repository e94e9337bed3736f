import type { ApiTag } from '@/lib/openapi/operation'
import { uploaded } from './schema'

const form = {
  type: 'object',
  required: ['file'],
  additionalProperties: false,
  properties: { file: { type: 'string', contentMediaType: 'application/octet-stream', description: 'Up to 10 MiB.' } },
}

/** A GIF of one dot. It is ASCII throughout, so that it can stand in the JSON of a Postman collection. */
const DOT = 'GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;'

const BOUNDARY = 'hearth-form'

/** The form as a browser would send it (RFC 7578). */
const formWithDot = {
  type: `multipart/form-data; boundary=${BOUNDARY}`,
  text: [
    `--${BOUNDARY}`,
    'Content-Disposition: form-data; name="file"; filename="dot.gif"',
    'Content-Type: image/gif',
    '',
    DOT,
    `--${BOUNDARY}--`,
    '',
  ].join('\r\n'),
}

/** Images from forms. */
export const uploadsDomain: ApiTag = {
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
      idempotent: true,
      rawBody: { 'multipart/form-data': { schema: form } },
      answers: { 201: { description: 'The stored file, and where it is.', schema: uploaded } },
      postman: [{ raw: formWithDot }],
      errors: ['PAYLOAD_TOO_LARGE', 'QUOTA_EXCEEDED', 'UNSUPPORTED_MEDIA_TYPE'],
    },
  ],
}
