import type { ValidateFunction } from 'ajv/dist/2020'
import { isRecord } from '@/lib/openapi/json-schema'
import { faults, findOperation, part, validator } from './openapi-document'

const validators = new Map<string, ValidateFunction>()

/** The same schema is compiled once. */
function validatorOf(key: string, schema: unknown): ValidateFunction {
  const known = validators.get(key) ?? validator(schema)
  validators.set(key, known)
  return known
}

function mediaType(headers: Headers): string | undefined {
  return headers.get('content-type')?.split(';')[0]?.trim()
}

/** What a response says that the document does not, in lines; nothing for a request that no operation is for. */
export function deviations(
  request: { method: string; url: string },
  response: { status: number; headers: Headers; text: string },
): string[] {
  // As it stands: a URL parser would take dots out that the server sees.
  const pathname = request.url.replace(/^https?:\/\/[^/]+/, '').replace(/[?#].*$/, '')
  const found = findOperation(request.method, pathname)
  if (found === undefined) return []
  const { operation, method, path } = found
  const declared = part(operation['responses'])[String(response.status)]
  if (declared === undefined)
    return [`status ${response.status} is not declared; the body is ${response.text.slice(0, 300)}`]
  const wrong: string[] = []
  for (const name of Object.keys(part(declared, 'headers'))) {
    const header = part(declared, 'headers', name)
    const value = response.headers.get(name)
    if (value === null && header['required'] === true) wrong.push(`the header ${name} is missing`)
    if (value === null) continue
    const { type } = part(header, 'schema')
    const validate = validatorOf(`header ${name} ${JSON.stringify(header)}`, part(header, 'schema'))
    wrong.push(...faults(validate, type === 'integer' ? Number(value) : value).map((line) => `header ${name}: ${line}`))
  }
  if (request.method === 'HEAD') return wrong
  const content = part(declared, 'content')
  const type = mediaType(response.headers)
  if (Object.keys(content).length === 0) return response.text === '' ? wrong : [...wrong, 'there is a body']
  const media = content[type ?? ''] ?? content['*/*']
  if (!isRecord(media)) return [...wrong, `the media type ${type} is not declared`]
  if (type !== 'application/json') return wrong
  const validate = validatorOf(`${method} ${path} ${response.status}`, media['schema'])
  return [...wrong, ...faults(validate, JSON.parse(response.text)).map((line) => `body: ${line}`)]
}

/** Throws where a response is not as the document says. Declarations lie in `lib/<domain>/openapi.ts`. */
export function assertConforms(
  request: { method: string; url: string },
  response: { status: number; headers: Headers; text: string },
): void {
  const wrong = deviations(request, response)
  if (wrong.length === 0) return
  const { method, url } = request
  throw new Error(
    `The response ${response.status} to ${method} ${url} is not as lib/<domain>/openapi.ts declares:\n${wrong.join('\n')}`,
  )
}
