import type { ApiTag, Operation } from '@/lib/openapi/operation'
import { pageOf } from '@/lib/platform/pagination/page-schema'
import { createLinkBody, file, fileLink, fileUrl, listFilesQuery, signedFileUrl, updateFileBody } from './schema'

const path = '/api/files/{owner}/{path}'

const bytes = { '*/*': { schema: { description: 'The bytes.' } } }

const text = { type: 'string' }
const entityTag = { ETag: { description: 'The version of the file.', schema: text } }
const contentHeaders = {
  'Last-Modified': { description: 'When the file last changed.', schema: text },
  'Content-Disposition': { description: '`attachment` for whatever a browser might run.', schema: text },
  'Accept-Ranges': { description: '`bytes`.', schema: text },
}

const writing = {
  path,
  audience: 'user',
  scope: 'files:write',
  parameters: [fileUrl],
  rawBody: bytes,
} satisfies Partial<Operation>

/** What the Postman collection stores and reads. */
const place = { owner: 'me', path: 'notes/a.txt' }

export const linkExample = { path: 'notes/a.txt', expiresIn: 3600 }

/** Stored files and links to them. */
export const filesDomain: ApiTag = {
  tag: 'Files',
  description:
    'Files of any type and length below their owner; `me` stands for the caller. Paths are compared in Unicode’s normal form C.',
  schemas: { File: file, FileChanges: updateFileBody, NewFileLink: createLinkBody, FileLink: fileLink },
  operations: [
    {
      ...writing,
      id: 'createFile',
      method: 'post',
      summary: 'Create a file',
      description: 'The body is the file, of any `Content-Type`. It is private until that is changed.',
      idempotent: true,
      answers: { 201: { description: 'The file.', schema: file, headers: entityTag } },
      errors: ['FILE_EXISTS', 'QUOTA_EXCEEDED', 'UNSUPPORTED_MEDIA_TYPE'],
      postman: [{ path: place, raw: { type: 'text/plain', text: 'Notes on the engine' } }],
    },
    {
      ...writing,
      id: 'putFile',
      method: 'put',
      summary: 'Create or replace a file',
      description: 'Whole or not at all. A file that is replaced keeps its visibility; links to it end.',
      ifMatch: true,
      answers: {
        200: { description: 'The file that replaced another.', schema: file, headers: entityTag },
        201: { description: 'The file, which is new.', schema: file, headers: entityTag },
      },
      errors: ['QUOTA_EXCEEDED', 'UNSUPPORTED_MEDIA_TYPE'],
      postman: [{ path: place, raw: { type: 'text/plain', text: 'More notes on the engine' } }],
    },
    {
      id: 'createFileLink',
      method: 'post',
      path: '/api/files/links',
      summary: 'Make a link to a file for whoever has no account',
      description: 'It works for `expiresIn` seconds, until the file is replaced, renamed or deleted.',
      audience: 'user',
      scope: 'files:write',
      idempotent: true,
      body: createLinkBody,
      example: linkExample,
      answers: { 201: { description: 'The link.', schema: fileLink } },
      errors: ['NOT_FOUND'],
    },
    {
      id: 'listFiles',
      method: 'get',
      path: '/api/files',
      summary: 'List my files',
      audience: 'user',
      scope: 'files:read',
      parameters: [listFilesQuery],
      etag: true,
      list: true,
      answers: { 200: { description: 'A page of files.', schema: pageOf('files', file) } },
    },
    {
      id: 'readFile',
      method: 'get',
      path,
      summary: 'Read a file',
      description:
        'Anybody may read public files; others their owner, admins, and whoever has a signed link. `Range` (RFC 9110, section 14.2) gives a part, `If-Range` only while the file is the same.',
      audience: 'optional',
      scope: 'files:read',
      parameters: [signedFileUrl],
      etag: true,
      ifMatch: true,
      answers: {
        200: { description: 'The file.', content: bytes, headers: contentHeaders },
        206: {
          description: 'The part that was asked for.',
          content: bytes,
          headers: { ...contentHeaders, 'Content-Range': { description: 'Which part it is.', schema: text } },
        },
      },
      errors: ['RANGE_NOT_SATISFIABLE'],
      postman: [{ path: place }],
    },
    {
      id: 'updateFile',
      method: 'patch',
      path,
      summary: 'Rename a file or change who may read it',
      audience: 'user',
      scope: 'files:write',
      parameters: [fileUrl],
      body: updateFileBody,
      example: { visibility: 'public' },
      ifMatch: true,
      answers: { 200: { description: 'The file as it is now.', schema: file, headers: entityTag } },
      errors: ['FILE_EXISTS'],
      postman: [{ path: place }],
    },
    {
      id: 'deleteFile',
      method: 'delete',
      path,
      summary: 'Delete a file',
      audience: 'user',
      scope: 'files:write',
      parameters: [fileUrl],
      ifMatch: true,
      answers: { 204: { description: 'Deleted.' } },
      postman: [{ path: place }],
    },
  ],
}
