import { pagination } from '@/lib/platform/pagination/page-schema'
import packageJson from '@/package.json'
import { createComponents, type Components } from './components'
import { apiTags } from './registry'
import { createErrorResponses } from './error-responses'
import { RESPONSE_HEADERS, sharedParameters } from './headers'
import type { JsonSchema } from './json-schema'
import { operationObject } from './operation-object'

const DESCRIPTION = `Accounts, families, posts, products, files and a contact form behind one REST interface.

Requests and responses are JSON with camelCase keys; times are ISO 8601 in UTC. Every error has the same envelope, with
a code from a closed list; with \`Accept: application/problem+json\` it is sent as problem details (RFC 9457). \`HEAD\` works wherever \`GET\` does; other methods that a route does not have return 405 with
\`Allow\`.`

const SECURITY_SCHEMES = {
  accessToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'The `token` of a login.',
  },
  apiKey: {
    type: 'http',
    scheme: 'bearer',
    description:
      'An API key, `hk_…`. It acts as its owner, restricted to its scopes, and can never manage credentials.',
  },
}

/** Creates the registry of the named schemas. */
export function namedComponents(): Components {
  return createComponents(Object.assign({ ...pagination }, ...apiTags.map((apiTag) => apiTag.schemas)))
}

function buildDocument(): JsonSchema {
  const components = namedComponents()
  const errorResponses = createErrorResponses()
  const paths: Record<string, JsonSchema> = {}
  for (const { tag, operations } of apiTags) {
    for (const operation of operations) {
      const object = operationObject(operation, { tag, components, errorResponses: errorResponses.refer(operation) })
      paths[operation.path] = { ...paths[operation.path], [operation.method.toLowerCase()]: object }
    }
  }
  const { version, license } = packageJson
  return {
    openapi: '3.1.1',
    info: {
      title: 'Hearth',
      version,
      description: DESCRIPTION,
      license: { name: license, identifier: license },
    },
    servers: [{ url: '/', description: 'This server.' }],
    tags: apiTags.map(({ tag, description }) => ({ name: tag, description })),
    paths,
    components: {
      securitySchemes: SECURITY_SCHEMES,
      parameters: sharedParameters(),
      headers: RESPONSE_HEADERS,
      schemas: components.used(),
      responses: errorResponses.used(),
    },
  }
}

let built: JsonSchema | undefined

/** Returns the OpenAPI 3.1 document. Built once. */
export function openApiDocument(): JsonSchema {
  built ??= buildDocument()
  return built
}
