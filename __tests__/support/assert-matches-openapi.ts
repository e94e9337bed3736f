import type { ValidateFunction } from 'ajv/dist/2020'
import { isRecord } from '@/lib/openapi/json-schema'
import { faults, findOperation, part, validator } from './openapi-document'

const validators = new Map<string, ValidateFunction>()

/** Returns the validator of a schema. Compiles each schema only once. */
function validatorOf(key: string, schema: unknown): ValidateFunction {
  const known = validators.get(key) ?? validator(schema)
  validators.set(key, known)
  return known
}

function mediaType(headers: Headers): string | undefined {
  return headers.get('content-type')?.split(';')[0]?.trim()
}

/** Returns the differences between a response and the document, one per line; none if no operation matches the request. */
export function deviations(
  request: { method: string; url: string },
  response: { status: number; headers: Headers; text: string },
): string[] {
  // Not parsed: a URL parser would remove dot segments that the server receives.
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
  // Sent instead of the envelope on request. Not declared: generated clients would have to tell the two apart everywhere.
  if (type === 'application/problem+json' && response.status >= 400) return wrong
  const media = content[type ?? ''] ?? content['*/*']
  if (!isRecord(media)) return [...wrong, `the media type ${type} is not declared`]
  // A response to `?fields=` lacks required properties.
  if (/[?&]fields=/.test(request.url) && response.status === 200) return wrong
  if (type !== 'application/json') return wrong
  const validate = validatorOf(`${method} ${path} ${response.status} ${type}`, media['schema'])
  return [...wrong, ...faults(validate, JSON.parse(response.text)).map((line) => `body: ${line}`)]
}

/** Throws when a response differs from the document, which the `openapi.ts` files of the domains declare. */
export function assertConforms(
  request: { method: string; url: string },
  response: { status: number; headers: Headers; text: string },
): void {
  const wrong = deviations(request, response)
  if (wrong.length === 0) return
  const { method, url } = request
  throw new Error(
    `The response ${response.status} to ${method} ${url} does not match the OpenAPI document:\n${wrong.join('\n')}`,
  )
}
