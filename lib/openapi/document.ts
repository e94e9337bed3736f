import packageJson from '@/package.json'
import { createComponents, type Components } from './components'
import { domains } from './registry'
import { createErrorResponses } from './error-responses'
import { RESPONSE_HEADERS, sharedParameters } from './headers'
import type { JsonSchema } from './json-schema'
import { operationObject } from './operation-object'
import { pagination } from '@/lib/platform/pagination/page-schema'

const DESCRIPTION = `Accounts, families, posts, products, files and a contact form behind one REST interface.

Requests and answers are JSON with camelCase keys; times are ISO 8601 in UTC. Every failure has the same envelope, with
a code from a closed list. \`HEAD\` works wherever \`GET\` does; a method that a route does not have is answered with 405
and \`Allow\`.`

const SECURITY_SCHEMES = {
  accessToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'The `token` of a sign-in.',
  },
  apiKey: {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key, `hk_…`. It acts as its owner, narrowed to its scopes, and can never manage credentials.',
  },
}

/** The schemas that the domains name. */
export function namedComponents(): Components {
  return createComponents(Object.assign({ ...pagination }, ...domains.map((domain) => domain.schemas)))
}

function buildDocument(): JsonSchema {
  const components = namedComponents()
  const failures = createErrorResponses()
  const paths: Record<string, JsonSchema> = {}
  for (const { tag, operations } of domains) {
    for (const operation of operations) {
      const object = operationObject(operation, { tag, components, failures: failures.refer(operation) })
      paths[operation.path] = { ...paths[operation.path], [operation.method]: object }
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
    tags: domains.map(({ tag, description }) => ({ name: tag, description })),
    paths,
    components: {
      securitySchemes: SECURITY_SCHEMES,
      parameters: sharedParameters(),
      headers: RESPONSE_HEADERS,
      schemas: components.used(),
      responses: failures.used(),
    },
  }
}

let built: JsonSchema | undefined

/** The OpenAPI 3.1 document of the whole interface; built once. */
export function openApiDocument(): JsonSchema {
  built ??= buildDocument()
  return built
}
