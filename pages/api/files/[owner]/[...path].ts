import type { NextApiRequest, NextApiResponse } from 'next'
import { methodNotAllowed } from '@/lib/errors'
import { fileUrl, signedFileUrl, updateFileBody } from '@/lib/domains/files/schema'
import {
  createFileAt,
  deleteFile,
  entityTag,
  getFile,
  putFile,
  toFile,
  updateFile,
  urlOfFile,
  type StoredFile,
} from '@/lib/domains/files/service'
import { apiHandler } from '@/lib/http/api-handler'
import { sendUploadedOnce } from '@/lib/http/with-upload-idempotency'
import { filePreconditionOf } from '@/lib/http/file-preconditions'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { mediaTypeOf, rawBody } from '@/lib/http/raw-body'
import { optionalAuth, requireAuth, requireScope } from '@/lib/http/require-auth'
import { sendJson, sendNoContent } from '@/lib/http/respond'
import { sendFile } from '@/lib/http/send-file'

export const config = { api: { bodyParser: false } }

function sendMetadata(res: NextApiResponse, file: StoredFile, { created = false } = {}): void {
  res.setHeader('ETag', entityTag(file))
  if (created) res.setHeader('Location', urlOfFile(file))
  sendJson(res, toFile(file), created ? 201 : 200)
}

/** What a link adds is looked at first: who may not see a file does not learn what else is wrong with the URL. */
function linkOf({ query: { expires, signature } }: NextApiRequest) {
  return typeof expires === 'string' && typeof signature === 'string' ? { expires, signature } : {}
}

const send = optionalAuth(
  requireScope('files:read', async (req, res, { actor, wantsHeadOnly }) => {
    const file = await getFile(actor, parseQuery(req, fileUrl.unknown()), linkOf(req))
    parseQuery(req, signedFileUrl)
    await sendFile(req, res, { file, wantsHeadOnly })
  }),
)

const create = requireAuth(
  requireScope('files:write', async (req, res, context) => {
    const url = parseQuery(req, fileUrl)
    const mimeType = mediaTypeOf(req)
    await sendUploadedOnce(req, res, context, {
      request: [url.path, mimeType],
      store: (finish) => createFileAt(context.actor, url, { ...rawBody(req), finish }),
      answer: (file) => ({ headers: { ETag: entityTag(file), Location: urlOfFile(file) }, body: toFile(file) }),
    })
  }),
)

const put = requireAuth(
  requireScope('files:write', async (req, res, { actor }) => {
    const url = parseQuery(req, fileUrl)
    const { file, created } = await putFile(actor, url, { ...rawBody(req), guard: filePreconditionOf(req) })
    sendMetadata(res, file, { created })
  }),
)

const change = requireAuth(
  requireScope('files:write', async (req, res, { actor }) => {
    const url = parseQuery(req, fileUrl)
    const changes = await parseBody(req, updateFileBody)
    sendMetadata(res, await updateFile(actor, url, { changes, guard: filePreconditionOf(req) }))
  }),
)

const remove = requireAuth(
  requireScope('files:write', async (req, res, { actor }) => {
    await deleteFile(actor, parseQuery(req, fileUrl), filePreconditionOf(req))
    sendNoContent(res)
  }),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'GET':
      return send(req, res, context)
    case 'POST':
      return create(req, res, context)
    case 'PUT':
      return put(req, res, context)
    case 'PATCH':
      return change(req, res, context)
    case 'DELETE':
      return remove(req, res, context)
    default:
      throw methodNotAllowed('GET', 'POST', 'PUT', 'PATCH', 'DELETE')
  }
})
