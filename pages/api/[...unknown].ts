import { unknownRouteHandler } from '@/lib/http/unknown-route'

export const config = { api: { bodyParser: false } }

export default unknownRouteHandler
