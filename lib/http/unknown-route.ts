import { AppError } from '@/lib/errors'
import { apiHandler } from './api-handler'

/** Handles URLs that match no route: the root leads to the API reference, everything else is 404. */
export const unknownRouteHandler = apiHandler(undefined, (req, res) => {
  const [path] = (req.url ?? '').split('?')
  if (path !== '/' || (req.method !== 'GET' && req.method !== 'HEAD')) throw new AppError('NOT_FOUND')
  res.redirect('/api/docs')
})
