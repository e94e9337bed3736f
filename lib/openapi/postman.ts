import { environment } from '@/lib/config'
import type { Operation, PostmanStep } from '@/lib/platform/operation'
import { bodyExample } from './operation-object'
import type { Components } from './components'
import { namedComponents } from './document'
import { apiTags } from './registry'
import { isRecord, type JsonSchema } from './json-schema'

const SCHEMA = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json'

const DESCRIPTION = `Runs from top to bottom, also on an empty database: it registers an account, logs in, stores the token and the ids in
variables, and cleans up. Set \`baseUrl\`, and \`adminEmail\` and \`adminPassword\` for the requests of admins.`

/** Variables that replace the values of these keys in example bodies, so that runs do not collide. */
const BODY_VARIABLES: JsonSchema = { email: '{{email}}', password: '{{password}}', currentPassword: '{{password}}' }

/** Returns the variable for the ids of a collection: `families` gives `familyId`, `api-keys` gives `apiKeyId`. */
function idVariable(collection: string): string {
  const singular = collection.replace(/ies$/, 'y').replace(/s$/, '')
  return `${singular.replace(/-(\w)/g, (_dash, letter: string) => letter.toUpperCase())}Id`
}

function pathSegments(operation: Operation, step: PostmanStep): string[] {
  const segments = operation.path.slice(1).split('/')
  return segments.flatMap((segment, index) => {
    const name = /^\{(\w+)\}$/.exec(segment)?.[1]
    if (name === undefined) return [segment]
    const variable = name === 'id' ? idVariable(segments[index - 1] ?? '') : name
    return (step.path?.[name] ?? `{{${variable}}}`).split('/')
  })
}

function urlOf(operation: Operation, step: PostmanStep): JsonSchema {
  const path = pathSegments(operation, step)
  const query = Object.entries(step.query ?? {}).map(([key, value]) => ({ key, value }))
  const search = query.map(({ key, value }) => `${key}=${value}`).join('&')
  const raw = `{{baseUrl}}/${path.join('/')}${search === '' ? '' : `?${search}`}`
  return { raw, host: ['{{baseUrl}}'], path, ...(query.length > 0 && { query }) }
}

/** Replaces the values that must be unique to a run with variables. */
function withVariables(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return Object.hasOwn(BODY_VARIABLES, key) ? BODY_VARIABLES[key] : value
  if (Array.isArray(value)) return value.map((item) => withVariables(item))
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withVariables(inner, name)]))
}

function bodyOf(operation: Operation, step: PostmanStep, components: Components): JsonSchema | undefined {
  if (step.raw !== undefined) return { mode: 'raw', raw: step.raw.text }
  if (operation.body === undefined) return undefined
  const value = step.body ?? withVariables(bodyExample(operation, components))
  const raw = JSON.stringify(value, null, 2).replace(/"\{\{#(\w+)\}\}"/g, '{{$1}}')
  return { mode: 'raw', raw, options: { raw: { language: 'json' } } }
}

/** Returns the credentials that an operation is called with. */
function authOf({ access }: Operation, { as }: PostmanStep): JsonSchema {
  if (access === 'public' || as === 'anonymous') return { type: 'noauth' }
  const variable = as ?? (access.role === 'admin' ? 'adminToken' : 'token')
  return { type: 'bearer', bearer: [{ key: 'token', value: `{{${variable}}}`, type: 'string' }] }
}

function statusOf(operation: Operation, step: PostmanStep): number {
  return step.status ?? Number(Object.keys(operation.responses)[0])
}

function script(listen: 'prerequest' | 'test', lines: string[]): JsonSchema[] {
  return lines.length === 0 ? [] : [{ listen, script: { type: 'text/javascript', exec: lines } }]
}

function testLines(operation: Operation, step: PostmanStep): string[] {
  const status = statusOf(operation, step)
  const lines = [`pm.test('returns ${status}', () => pm.response.to.have.status(${status}))`]
  const store = { ...(status === 201 && createdIdOf(operation)), ...step.store }
  for (const [variable, path] of Object.entries(store)) {
    lines.push(`pm.collectionVariables.set('${variable}', pm.response.json().${path})`)
  }
  return lines
}

/** Stores the id of a created resource for later requests. */
function createdIdOf({ method, path, responses }: Operation): Record<string, string> {
  const collection = path.split('/').at(-1) ?? ''
  const hasId = responses[201]?.schema?.describe()['keys']?.id !== undefined
  return method === 'POST' && hasId ? { [idVariable(collection)]: 'id' } : {}
}

function itemOf(operation: Operation, step: PostmanStep, components: Components): JsonSchema {
  const body = bodyOf(operation, step, components)
  const type = step.raw?.type ?? (body === undefined ? undefined : 'application/json')
  const headers = { ...(type !== undefined && { 'Content-Type': type }), ...step.headers }
  const generated = Object.entries(step.generate ?? {}).map(
    ([variable, template]) => `pm.collectionVariables.set('${variable}', pm.variables.replaceIn('${template}'))`,
  )
  return {
    name: step.name ?? operation.summary,
    event: [...script('prerequest', generated), ...script('test', testLines(operation, step))],
    request: {
      method: operation.method,
      ...(operation.description !== undefined && { description: operation.description }),
      auth: authOf(operation, step),
      header: Object.entries(headers).map(([key, value]) => ({ key, value })),
      url: urlOf(operation, step),
      ...(body !== undefined && { body }),
    },
    response: [],
  }
}

function buildCollection(): JsonSchema {
  const components = namedComponents()
  const variables = {
    baseUrl: `http://localhost:${Number(environment()['PORT']) || 3000}`,
    adminEmail: 'admin@hearth.local',
    adminPassword: '',
  }
  return {
    info: { name: 'Hearth', description: DESCRIPTION, schema: SCHEMA },
    variable: Object.entries(variables).map(([key, value]) => ({ key, value, type: 'string' })),
    item: apiTags.map(({ tag, description, operations }) => ({
      name: tag,
      description,
      item: operations.flatMap((operation) =>
        (operation.postman ?? [{}]).map((step) => itemOf(operation, step, components)),
      ),
    })),
  }
}

let built: JsonSchema | undefined

/** Returns the Postman collection (format 2.1), with a folder for each tag. Built once. */
export function postmanCollection(): JsonSchema {
  built ??= buildCollection()
  return built
}
