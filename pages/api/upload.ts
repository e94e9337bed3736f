import { methodNotAllowed } from '@/lib/errors'
import { toFile, urlOfFile } from '@/lib/files/service'
import { apiHandler } from '@/lib/http/api-handler'
import { uploadedFile } from '@/lib/http/multipart'
import { requireAuth, requireScope } from '@/lib/http/require-auth'
import { sendJson } from '@/lib/http/respond'
import { UPLOAD_MAX_BYTES, type Uploaded } from '@/lib/uploads/schema'
import { uploadImage } from '@/lib/uploads/service'

export const config = { api: { bodyParser: false } }

const upload = requireAuth(
  requireScope('files:write', async (req, res, { actor }) => {
    const stored = await uploadImage(actor, uploadedFile(req, { field: 'file', maxBytes: UPLOAD_MAX_BYTES }))
    const url = urlOfFile(stored)
    const file = toFile(stored)
    const fileName = file.path.slice(file.path.lastIndexOf('/') + 1)
    res.setHeader('Location', url)
    sendJson(res, { success: true, fileName, size: file.size, type: file.mimeType, url, file } satisfies Uploaded, 201)
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
