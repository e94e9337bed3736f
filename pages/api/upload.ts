import { toFile, urlOfFile, type StoredFile } from '@/lib/domains/files/service'
import { uploadRoute } from '@/lib/domains/files/uploads/openapi'
import { UPLOAD_MAX_BYTES, type Uploaded } from '@/lib/domains/files/uploads/schema'
import { uploadImage } from '@/lib/domains/files/uploads/service'
import { apiHandler } from '@/lib/http/api-handler'
import { uploadedFile } from '@/lib/http/multipart'
import { requireAuth } from '@/lib/http/require-auth'
import { sendIdempotentUpload, type CreatedResponse } from '@/lib/http/with-idempotency'

export const config = { api: { bodyParser: false } }

function createdResponse(stored: StoredFile): CreatedResponse {
  const url = urlOfFile(stored)
  const file = toFile(stored)
  const fileName = file.path.slice(file.path.lastIndexOf('/') + 1)
  const body: Uploaded = { success: true, fileName, size: file.size, type: file.mimeType, url, file }
  return { headers: { Location: url }, body }
}

export default apiHandler(
  uploadRoute,
  requireAuth(uploadRoute.access, (req, res, context) =>
    sendIdempotentUpload(req, res, context, {
      // The server generates a new name each time, so only the content identifies a repeated request.
      identity: [],
      store: (decision) =>
        uploadImage(context.actor, uploadedFile(req, { field: 'file', maxBytes: UPLOAD_MAX_BYTES }), decision),
      respond: createdResponse,
    }),
  ),
)
