import type Joi from 'joi'
import type { Components } from './components'
import { exampleOf } from './examples'
import { headerParameters, headersOf, responseHeaders, type ResponseHeader } from './headers'
import { isRecord, toJsonSchema, type JsonSchema } from './json-schema'
import type { Answer, Operation } from './operation'

/** The parameters of the path and the query, from the schemas that parse them. */
function parametersOf(operation: Operation, components: Components): JsonSchema[] {
  const inPath = new Set(Array.from(operation.path.matchAll(/\{(\w+)\}/g), (match) => match[1]))
  const parameters = new Map<string, JsonSchema>()
  for (const schema of operation.parameters ?? []) {
    const { properties, required } = components.refer(schema, 'input')
    const needed: unknown[] = Array.isArray(required) ? required : []
    for (const [name, property] of Object.entries(isRecord(properties) ? properties : {})) {
      const place = inPath.has(name) ? 'path' : 'query'
      const isRequired = place === 'path' || needed.includes(name)
      // Several values of one parameter are separated by commas.
      const list = isRecord(property) && property['type'] === 'array' ? { explode: false } : {}
      parameters.set(name, { name, in: place, required: isRequired, schema: property, ...list })
    }
  }
  for (const [name, given] of Object.entries(operation.queryParameters ?? {})) {
    parameters.set(name, { name, in: inPath.has(name) ? 'path' : 'query', ...given })
  }
  return [...parameters.values()]
}

function jsonContent(schema: JsonSchema, example: unknown): JsonSchema {
  return { 'application/json': { schema, example } }
}

function answerObject(operation: Operation, status: string, answer: Answer, components: Components): JsonSchema {
  const headers: ResponseHeader[] = headersOf(operation)
  if (operation.etag === true) headers.push('ETag')
  if (operation.list === true) headers.push('Link')
  if (status === '201') headers.push('Location')
  if (operation.refreshCookie === 'given' || operation.refreshCookie === 'both') headers.push('Set-Cookie')
  if (operation.idempotent === true) headers.push('Idempotency-Replayed')
  const schema = answer.schema && components.refer(answer.schema, 'output')
  const content = {
    ...answer.content,
    ...(schema && jsonContent(schema, exampleOf(schema, { named: components.used(), requiredOnly: false }))),
  }
  return {
    description: answer.description,
    headers: { ...responseHeaders(headers), ...answer.headers },
    ...(Object.keys(content).length > 0 && { content }),
  }
}

/** The body's example: the declared one, or what is required of it. */
export function bodyExample(operation: Operation, components: Components): unknown {
  if (operation.body === undefined) return undefined
  const schema = components.refer(operation.body, 'input')
  return operation.example ?? exampleOf(schema, { named: components.used(), requiredOnly: true })
}

/** Whether a body must have any key, so that there must be one. */
function needsKeys(body: Joi.AnySchema): boolean {
  const { required, minProperties } = toJsonSchema(body, 'input')
  return required !== undefined || minProperties !== undefined
}

function requestBody(operation: Operation, components: Components): JsonSchema | undefined {
  const { body, rawBody } = operation
  if (body === undefined && rawBody === undefined) return undefined
  const json = body && jsonContent(components.refer(body, 'input'), bodyExample(operation, components))
  return { required: body === undefined || needsKeys(body), content: { ...json, ...rawBody } }
}

/** Access tokens do wherever credentials do; API keys where they can hold the scope. */
function security({ audience, scope }: Operation): JsonSchema[] {
  if (audience === 'public') return []
  const anonymous = audience === 'optional' ? [{}] : []
  const apiKey = scope === undefined ? [] : [{ apiKey: scope === 'any' ? [] : [scope] }]
  return [...anonymous, { accessToken: [] }, ...apiKey]
}

/** The Operation Object of OpenAPI 3.1, section 4.8.10. */
export function operationObject(
  operation: Operation,
  context: { tag: string; components: Components; failures: Record<string, JsonSchema> },
): JsonSchema {
  const { components, tag, failures } = context
  const body = requestBody(operation, components)
  const answers = Object.entries(operation.answers).map(([status, answer]) => [
    status,
    answerObject(operation, status, answer, components),
  ])
  const notModified = {
    description: 'It has not changed.',
    headers: responseHeaders([...headersOf(operation), 'ETag']),
  }
  return {
    operationId: operation.id,
    summary: operation.summary,
    ...(operation.description !== undefined && { description: operation.description }),
    tags: [tag],
    security: security(operation),
    parameters: [...parametersOf(operation, components), ...headerParameters(operation)],
    ...(body !== undefined && { requestBody: body }),
    responses: { ...failures, ...Object.fromEntries(answers), ...(operation.etag === true && { 304: notModified }) },
  }
}
