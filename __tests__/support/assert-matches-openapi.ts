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

/** What an answer says that the document does not, in lines; nothing for a request that no operation is for. */
export function deviations(
  request: { method: string; url: string },
  answer: { status: number; headers: Headers; text: string },
): string[] {
  // As it stands: a URL parser would take dots out that the server sees.
  const pathname = request.url.replace(/^https?:\/\/[^/]+/, '').replace(/[?#].*$/, '')
  const found = findOperation(request.method, pathname)
  if (found === undefined) return []
  const { operation, method, path } = found
  const response = part(operation['responses'])[String(answer.status)]
  if (response === undefined)
    return [`status ${answer.status} is not declared; the body is ${answer.text.slice(0, 300)}`]
  const wrong: string[] = []
  for (const name of Object.keys(part(response, 'headers'))) {
    const header = part(response, 'headers', name)
    const value = answer.headers.get(name)
    if (value === null && header['required'] === true) wrong.push(`the header ${name} is missing`)
    if (value === null) continue
    const { type } = part(header, 'schema')
    const validate = validatorOf(`header ${name} ${JSON.stringify(header)}`, part(header, 'schema'))
    wrong.push(...faults(validate, type === 'integer' ? Number(value) : value).map((line) => `header ${name}: ${line}`))
  }
  if (request.method === 'HEAD') return wrong
  const content = part(response, 'content')
  const type = mediaType(answer.headers)
  if (Object.keys(content).length === 0) return answer.text === '' ? wrong : [...wrong, 'there is a body']
  const media = content[type ?? ''] ?? content['*/*']
  if (!isRecord(media)) return [...wrong, `the media type ${type} is not declared`]
  if (type !== 'application/json') return wrong
  const validate = validatorOf(`${method} ${path} ${answer.status}`, media['schema'])
  return [...wrong, ...faults(validate, JSON.parse(answer.text)).map((line) => `body: ${line}`)]
}

/** Throws where an answer is not as the document says. Declarations lie in `lib/<domain>/openapi.ts`. */
export function assertConforms(
  request: { method: string; url: string },
  answer: { status: number; headers: Headers; text: string },
): void {
  const wrong = deviations(request, answer)
  if (wrong.length === 0) return
  const { method, url } = request
  throw new Error(
    `The answer ${answer.status} to ${method} ${url} is not as lib/<domain>/openapi.ts declares:\n${wrong.join('\n')}`,
  )
}
