import { methodNotAllowed } from '@/lib/errors'
import { toFile, urlOfFile, type StoredFile } from '@/lib/domains/files/service'
import { apiHandler } from '@/lib/http/api-handler'
import type { CreatedResponse } from '@/lib/http/with-idempotency'
import { sendUploadedOnce } from '@/lib/http/with-upload-idempotency'
import { uploadedFile } from '@/lib/http/multipart'
import { requireAuth, requireScope } from '@/lib/http/require-auth'
import { UPLOAD_MAX_BYTES, type Uploaded } from '@/lib/domains/files/uploads/schema'
import { uploadImage } from '@/lib/domains/files/uploads/service'

export const config = { api: { bodyParser: false } }

function answer(stored: StoredFile): CreatedResponse {
  const url = urlOfFile(stored)
  const file = toFile(stored)
  const fileName = file.path.slice(file.path.lastIndexOf('/') + 1)
  const body: Uploaded = { success: true, fileName, size: file.size, type: file.mimeType, url, file }
  return { headers: { Location: url }, body }
}

const upload = requireAuth(
  requireScope('files:write', async (req, res, context) => {
    await sendUploadedOnce(req, res, context, {
      // The name of the file is ours and another each time: the bytes alone tell a repeat.
      request: [],
      store: (finish) =>
        uploadImage(context.actor, uploadedFile(req, { field: 'file', maxBytes: UPLOAD_MAX_BYTES }), finish),
      answer,
    })
  }),
)

export default apiHandler((req, res, context) => {
  switch (req.method) {
    case 'POST':
      return upload(req, res, context)
    default:
      throw methodNotAllowed('POST')
  }
})
