import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { uploaded } from './schema'

const form = {
  type: 'object',
  required: ['file'],
  additionalProperties: false,
  properties: { file: { type: 'string', contentMediaType: 'application/octet-stream', description: 'Up to 10 MiB.' } },
}

/** A GIF of one pixel. It is ASCII only, so that the JSON of the Postman collection can contain it. */
const PIXEL = 'GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;'

const BOUNDARY = 'hearth-form'

/** The form as a browser sends it (RFC 7578). */
const formWithPixel = {
  type: `multipart/form-data; boundary=${BOUNDARY}`,
  text: [
    `--${BOUNDARY}`,
    'Content-Disposition: form-data; name="file"; filename="pixel.gif"',
    'Content-Type: image/gif',
    '',
    PIXEL,
    `--${BOUNDARY}--`,
    '',
  ].join('\r\n'),
}

export const uploadRoute = defineRoute(
  '/api/upload',
  { scope: 'files:write' },
  {
    POST: {
      id: 'uploadImage',
      summary: 'Upload an image',
      description: 'JPEG, PNG or GIF, detected by content, not by name.',
      idempotent: true,
      rawBody: { 'multipart/form-data': { schema: form } },
      responses: { 201: { description: 'The stored file and its URL.', schema: uploaded } },
      postman: [{ raw: formWithPixel }],
      errors: ['PAYLOAD_TOO_LARGE', 'QUOTA_EXCEEDED', 'UNSUPPORTED_MEDIA_TYPE'],
    },
  },
)

export const uploadsTag: ApiTag = {
  tag: 'Uploads',
  description: 'Image uploads from forms, stored as files of the caller.',
  schemas: { Upload: uploaded },
  operations: uploadRoute.operations,
}
