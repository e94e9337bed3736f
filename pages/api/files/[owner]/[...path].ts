import type { NextApiRequest, NextApiResponse } from 'next'
import { fileRoute } from '@/lib/domains/files/openapi'
import { fileUrl, signedFileUrl, updateFileBody } from '@/lib/domains/files/schema'
import {
  createFileAt,
  deleteFile,
  getFile,
  openFile,
  putFile,
  toFile,
  updateFile,
  urlOfFile,
  validatorsOf,
  type FilePrecondition,
  type StoredFile,
} from '@/lib/domains/files/service'
import { apiHandler } from '@/lib/http/api-handler'
import { assertPreconditions } from '@/lib/http/etag'
import { parseBody, parseQuery } from '@/lib/http/parse'
import { mediaTypeOf, rawBody } from '@/lib/http/raw-body'
import { optionalAuth, requireAuth } from '@/lib/http/require-auth'
import { sendJson, sendNoContent } from '@/lib/http/respond'
import { sendFile } from '@/lib/http/send-file'
import { sendIdempotentUpload } from '@/lib/http/with-idempotency'

export const config = { api: { bodyParser: false } }

function sendMetadata(res: NextApiResponse, file: StoredFile, { created = false } = {}): void {
  res.setHeader('ETag', validatorsOf(file).etag)
  if (created) res.setHeader('Location', urlOfFile(file))
  sendJson(res, toFile(file), created ? 201 : 200)
}

function preconditionOf(req: NextApiRequest): FilePrecondition {
  return (current) => assertPreconditions(req, current && validatorsOf(current))
}

/** Returns the signature of a link before the query is validated, so that only callers who may read the file see its errors. */
function linkOf({ query: { expires, signature } }: NextApiRequest) {
  return typeof expires === 'string' && typeof signature === 'string' ? { expires, signature } : {}
}

const handleGet = optionalAuth(fileRoute.GET.access, async (req, res, { actor, ...context }) => {
  const url = parseQuery(req, fileUrl.unknown())
  const file = await getFile(actor, { url, link: linkOf(req) }, context)
  parseQuery(req, signedFileUrl)
  await sendFile(req, res, {
    file,
    validators: validatorsOf(file),
    open: (range) => openFile(file, range),
    wantsHeadOnly: context.wantsHeadOnly,
  })
})

const handlePost = requireAuth(fileRoute.POST.access, async (req, res, context) => {
  const url = parseQuery(req, fileUrl)
  const mimeType = mediaTypeOf(req)
  await sendIdempotentUpload(req, res, context, {
    identity: [url.path, mimeType],
    store: (decision) => createFileAt(context.actor, url, { ...rawBody(req), decision }),
    respond: (file) => ({ headers: { ETag: validatorsOf(file).etag, Location: urlOfFile(file) }, body: toFile(file) }),
  })
})

const handlePut = requireAuth(fileRoute.PUT.access, async (req, res, { actor }) => {
  const url = parseQuery(req, fileUrl)
  const { file, created } = await putFile(actor, url, { ...rawBody(req), precondition: preconditionOf(req) })
  sendMetadata(res, file, { created })
})

const handlePatch = requireAuth(fileRoute.PATCH.access, async (req, res, { actor }) => {
  const url = parseQuery(req, fileUrl)
  const changes = await parseBody(req, updateFileBody)
  sendMetadata(res, await updateFile(actor, url, { changes, precondition: preconditionOf(req) }))
})

const handleDelete = requireAuth(fileRoute.DELETE.access, async (req, res, { actor }) => {
  await deleteFile(actor, parseQuery(req, fileUrl), preconditionOf(req))
  sendNoContent(res)
})

export default apiHandler(fileRoute, (req, res, context) => {
  switch (req.method) {
    case 'GET':
      return handleGet(req, res, context)
    case 'POST':
      return handlePost(req, res, context)
    case 'PUT':
      return handlePut(req, res, context)
    case 'PATCH':
      return handlePatch(req, res, context)
    case 'DELETE':
      return handleDelete(req, res, context)
  }
})
