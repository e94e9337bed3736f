import type Joi from 'joi'
import { selectableFields, type SelectableFields } from '@/lib/platform/selectable-fields'
import { honoursDryRun, requiredScope, type Operation, type ResponseDeclaration } from '@/lib/platform/operation'
import type { Components } from './components'
import { exampleOf } from './examples'
import { headerParameters, headersOf, responseHeaders, type ResponseHeader } from './headers'
import { isRecord, toJsonSchema, type JsonSchema } from './json-schema'

function fieldsParameter({ names, plural }: SelectableFields): JsonSchema {
  const description = `The response contains only these fields${plural === undefined ? '' : ' of each item'}.`
  const schema = { type: 'array', items: { type: 'string', enum: names }, minItems: 1, uniqueItems: true }
  return { name: 'fields', in: 'query', required: false, description, schema, explode: false }
}

/** Returns the path and query parameters, from the schemas that parse them. */
function parametersOf(operation: Operation, components: Components): JsonSchema[] {
  const inPath = new Set(Array.from(operation.path.matchAll(/\{(\w+)\}/g), (match) => match[1]))
  const parameters = new Map<string, JsonSchema>()
  for (const schema of operation.parameters ?? []) {
    const { properties, required } = components.refer(schema, 'input')
    const needed: unknown[] = Array.isArray(required) ? required : []
    for (const [name, property] of Object.entries(isRecord(properties) ? properties : {})) {
      const location = inPath.has(name) ? 'path' : 'query'
      const isRequired = location === 'path' || needed.includes(name)
      // Multiple values are separated by commas.
      const list = isRecord(property) && property['type'] === 'array' ? { explode: false } : {}
      parameters.set(name, { name, in: location, required: isRequired, schema: property, ...list })
    }
  }
  const selectable = selectableFields(operation)
  if (selectable !== undefined) parameters.set('fields', fieldsParameter(selectable))
  for (const [name, given] of Object.entries(operation.queryParameters ?? {})) {
    parameters.set(name, { name, in: inPath.has(name) ? 'path' : 'query', ...given })
  }
  return [...parameters.values()]
}

function jsonContent(schema: JsonSchema, example: unknown): JsonSchema {
  return { 'application/json': { schema, example } }
}

function responseObject(
  operation: Operation,
  status: string,
  response: ResponseDeclaration,
  components: Components,
): JsonSchema {
  const headers: ResponseHeader[] = headersOf(operation)
  if (operation.etag === true) headers.push('ETag')
  if (operation.list === true) headers.push('Link')
  if (status === '201') headers.push('Location')
  if (operation.refreshCookie === 'sent' || operation.refreshCookie === 'both') headers.push('Set-Cookie')
  if (operation.idempotent === true) headers.push('Idempotency-Replayed')
  if (response.schema !== undefined) headers.push('Content-Encoding')
  if (honoursDryRun(operation)) headers.push('Preference-Applied')
  const schema = response.schema && components.refer(response.schema, 'output')
  const content = {
    ...response.content,
    ...(schema && jsonContent(schema, exampleOf(schema, { named: components.used(), requiredOnly: false }))),
  }
  return {
    description: response.description,
    headers: { ...responseHeaders(headers), ...response.headers },
    ...(Object.keys(content).length > 0 && { content }),
  }
}

/** Returns the declared example of the body, or one with its required fields. */
export function bodyExample(operation: Operation, components: Components): unknown {
  if (operation.body === undefined) return undefined
  const schema = components.refer(operation.body, 'input')
  return operation.example ?? exampleOf(schema, { named: components.used(), requiredOnly: true })
}

/** Returns whether a body must have at least one key, so that it cannot be left out. */
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

/** Returns the accepted credentials: access tokens always, API keys where a scope admits them. */
function security({ access, method }: Operation): JsonSchema[] {
  if (access === 'public') return []
  const scope = requiredScope(access, method)
  const anonymous = access.optional === true ? [{}] : []
  const apiKey = scope === undefined ? [] : [{ apiKey: scope === 'any' ? [] : [scope] }]
  return [...anonymous, { accessToken: [] }, ...apiKey]
}

/** Builds the Operation Object (OpenAPI 3.1, section 4.8.10). */
export function operationObject(
  operation: Operation,
  context: { tag: string; components: Components; errorResponses: Record<string, JsonSchema> },
): JsonSchema {
  const { components, tag, errorResponses } = context
  const body = requestBody(operation, components)
  const responses = Object.entries(operation.responses).map(([status, response]) => [
    status,
    responseObject(operation, status, response, components),
  ])
  const notModified = {
    description: 'Not modified.',
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
    responses: {
      ...errorResponses,
      ...Object.fromEntries(responses),
      ...(operation.etag === true && { 304: notModified }),
    },
  }
}
