import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { pageOf } from '@/lib/platform/pagination/page-schema'
import { createLinkBody, file, fileLink, fileUrl, listFilesQuery, signedFileUrl, updateFileBody } from './schema'

const bytes = { '*/*': { schema: { description: 'The content of the file.' } } }

const text = { type: 'string' }
const entityTag = { ETag: { description: 'The version of the file.', schema: text } }
const contentHeaders = {
  'Last-Modified': { description: 'When the file was last changed.', schema: text },
  'Content-Disposition': { description: '`attachment` for types that a browser might execute.', schema: text },
  'Accept-Ranges': { description: '`bytes`.', schema: text },
}

/** The file that the Postman collection stores and reads. */
const location = { owner: 'me', path: 'notes/a.txt' }

export const linkExample = { path: 'notes/a.txt', expiresIn: 3600 }

export const filesRoute = defineRoute(
  '/api/files',
  { scope: 'files' },
  {
    GET: {
      id: 'listFiles',
      summary: 'List my files',
      parameters: [listFilesQuery],
      etag: true,
      list: true,
      responses: { 200: { description: 'A page of files.', schema: pageOf('files', file) } },
    },
  },
)

export const fileRoute = defineRoute('/api/files/{owner}/{path}', {
  GET: {
    id: 'readFile',
    summary: 'Read a file',
    description:
      'Public files are readable by everyone, private files by their owner, by admins and with a signed link. `Range` (RFC 9110, section 14.2) requests a part, `If-Range` only if the file is unchanged.',
    access: { scope: 'files:read', optional: true },
    parameters: [signedFileUrl],
    etag: true,
    ifMatch: true,
    responses: {
      200: { description: 'The file.', content: bytes, headers: contentHeaders },
      206: {
        description: 'The requested part.',
        content: bytes,
        headers: { ...contentHeaders, 'Content-Range': { description: 'The position of the part.', schema: text } },
      },
    },
    errors: ['RANGE_NOT_SATISFIABLE'],
    postman: [{ path: location }],
  },
  POST: {
    id: 'createFile',
    summary: 'Create a file',
    description: 'The body is the file, with any `Content-Type`. New files are private.',
    access: { scope: 'files:write' },
    parameters: [fileUrl],
    rawBody: bytes,
    idempotent: true,
    responses: { 201: { description: 'The file.', schema: file, headers: entityTag } },
    errors: ['FILE_EXISTS', 'QUOTA_EXCEEDED', 'UNSUPPORTED_MEDIA_TYPE'],
    postman: [{ path: location, raw: { type: 'text/plain', text: 'Notes on the engine' } }],
  },
  PUT: {
    id: 'putFile',
    summary: 'Create or replace a file',
    description: 'Atomic. A replaced file keeps its visibility; its links stop working.',
    access: { scope: 'files:write' },
    parameters: [fileUrl],
    rawBody: bytes,
    ifMatch: true,
    responses: {
      200: { description: 'The replaced file.', schema: file, headers: entityTag },
      201: { description: 'The created file.', schema: file, headers: entityTag },
    },
    errors: ['QUOTA_EXCEEDED', 'UNSUPPORTED_MEDIA_TYPE'],
    postman: [{ path: location, raw: { type: 'text/plain', text: 'More notes on the engine' } }],
  },
  PATCH: {
    id: 'updateFile',
    summary: 'Rename a file or change its visibility',
    access: { scope: 'files:write' },
    parameters: [fileUrl],
    body: updateFileBody,
    example: { visibility: 'public' },
    ifMatch: true,
    responses: { 200: { description: 'The updated file.', schema: file, headers: entityTag } },
    errors: ['FILE_EXISTS'],
    postman: [{ path: location }],
  },
  DELETE: {
    id: 'deleteFile',
    summary: 'Delete a file',
    access: { scope: 'files:write' },
    parameters: [fileUrl],
    ifMatch: true,
    responses: { 204: { description: 'Deleted.' } },
    postman: [{ path: location }],
  },
})

export const fileLinksRoute = defineRoute(
  '/api/files/links',
  { scope: 'files' },
  {
    POST: {
      id: 'createFileLink',
      summary: 'Create a signed link to a file',
      description: 'The link works for `expiresIn` seconds, or until the file is replaced, renamed or deleted.',
      idempotent: true,
      body: createLinkBody,
      example: linkExample,
      responses: { 201: { description: 'The link.', schema: fileLink } },
      errors: ['NOT_FOUND'],
    },
  },
)

export const filesTag: ApiTag = {
  tag: 'Files',
  description:
    'Files of any type and size, stored under their owner; `me` is the caller. Paths are compared in Unicode normalization form C.',
  schemas: { File: file, FileChanges: updateFileBody, NewFileLink: createLinkBody, FileLink: fileLink },
  // The Postman collection creates a file first and deletes it last.
  operations: [
    fileRoute.POST,
    fileRoute.PUT,
    fileLinksRoute.POST,
    filesRoute.GET,
    fileRoute.GET,
    fileRoute.PATCH,
    fileRoute.DELETE,
  ],
}
