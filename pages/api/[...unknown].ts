import { AppError } from '@/lib/errors'
import { apiHandler } from '@/lib/http/api-handler'

export const config = { api: { bodyParser: false } }

/** Whatever no other file answers. */
export default apiHandler(() => {
  throw new AppError('NOT_FOUND')
})
