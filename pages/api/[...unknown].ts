import { AppError } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'

export const config = { api: { bodyParser: false } }

/** Handles URLs that match no other file. */
export default apiHandler(undefined, () => {
  throw new AppError('NOT_FOUND')
})
