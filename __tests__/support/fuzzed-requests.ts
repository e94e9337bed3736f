import fc from 'fast-check'
import { isRecord, type JsonSchema } from '@/lib/openapi/json-schema'
import { operations, part, type DocumentedOperation } from './openapi-document'

/** The credentials that a fuzzed request may carry; each is replaced by a real value when the request is sent. */
export const CREDENTIALS = ['none', 'user', 'admin', 'apiKey', 'garbage'] as const
export type Credential = (typeof CREDENTIALS)[number]

export type FuzzedRequest = {
  operation: string
  method: string
  /** Path and query as sent on the wire. */
  target: string
  credential: Credential
  headers: Record<string, string>
  body: Buffer | undefined
}

const DEPTH_MAX = 4

/** Values that break naive parsers, encoders and column types. */
const HOSTILE_TEXT = [
  ...['', ' ', '\u0000', '\ud800', '\u202e', '%00', '%', '..', '../../etc/passwd', "' OR 1=1 --", '{{7*7}}', '${x}'],
  ...['__proto__', 'constructor', 'null', 'undefined', 'NaN', '-0', '1e999', '9007199254740993', '2147483648', '-1'],
  ...['a'.repeat(300), '한'.repeat(100), '\r\nX-Injected: 1', '<script>', '2026-02-30', '0000-00-00T00:00:00Z'],
]
const HOSTILE_NUMBERS = [0, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308, Number.MIN_VALUE]

const hostileText = fc.constantFrom(...HOSTILE_TEXT)

const hostile: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom<unknown>(...HOSTILE_NUMBERS, true, false, null, [], {}, [[]], { a: { b: [1] } }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.jsonValue({ maxDepth: 3 }),
)

function ofString(schema: JsonSchema): fc.Arbitrary<string> {
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...schema['enum'].map(String))
  switch (schema['format']) {
    case 'email':
      return fc.uuid().map((id) => `${id}@fuzz.example`)
    case 'uuid':
      return fc.uuid()
    case 'date-time':
      return fc.date({ noInvalidDate: true }).map((date) => date.toISOString())
    default:
      return fc.string({ minLength: Math.min(Number(schema['minLength'] ?? 0), 20), maxLength: 60 })
  }
}

/** A value that mostly fits a schema of the document, and at each level sometimes does not. */
function valueOf(given: unknown, depth = 0): fc.Arbitrary<unknown> {
  const schema = part(given)
  const fitting = (): fc.Arbitrary<unknown> => {
    const choices = schema['anyOf'] ?? schema['oneOf']
    if (Array.isArray(choices) && depth < DEPTH_MAX) {
      return fc.oneof(...choices.map((choice) => valueOf(choice, depth + 1)))
    }
    const type: unknown = Array.isArray(schema['type']) ? schema['type'][0] : schema['type']
    switch (type) {
      case 'string':
        return ofString(schema)
      case 'integer':
        return fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer())
      case 'number':
        return fc.double()
      case 'boolean':
        return fc.boolean()
      case 'array':
        return depth < DEPTH_MAX ? fc.array(valueOf(schema['items'], depth + 1), { maxLength: 5 }) : fc.constant([])
      case 'object':
        return ofObject(schema, depth)
      default:
        return hostile
    }
  }
  return fc.oneof({ weight: 6, arbitrary: fitting() }, { weight: 1, arbitrary: hostile })
}

function ofObject(schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
  const properties = part(schema, 'properties')
  const known = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, valueOf(value, depth + 1)])),
    { requiredKeys: [] },
  )
  const complete = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, valueOf(value, depth + 1)])),
  )
  const extra = fc.dictionary(fc.oneof(hostileText, fc.string({ maxLength: 10 })), hostile, { maxKeys: 2 })
  return fc.oneof(
    { weight: 5, arbitrary: complete },
    { weight: 2, arbitrary: known },
    {
      weight: 1,
      arbitrary: fc
        .tuple(known, extra)
        .map(([a, b]) => Object.fromEntries([...Object.entries(a), ...Object.entries(b)])),
    },
  )
}

const segment: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 40 }).map(String) },
  { weight: 1, arbitrary: fc.constant('me') },
  { weight: 1, arbitrary: fc.uuid() },
  { weight: 1, arbitrary: hostileText.map(encode) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '%ff',
      '%c0%ae',
      '%2e%2e',
      '%2F',
      '%00',
      '0',
      '-1',
      '1.0',
      '1e3',
      '99999999999999999999',
    ),
  },
)

/** Percent-encodes text; half characters, which cannot be encoded, are dropped. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}

function queryOf(operation: DocumentedOperation): fc.Arbitrary<string> {
  const listed: unknown = operation.operation['parameters']
  const parameters = (Array.isArray(listed) ? listed : [])
    .map((one) => part(one))
    .filter((one) => one['in'] === 'query')
  const pair = fc.oneof(
    ...parameters.map((parameter) =>
      valueOf(parameter['schema'], DEPTH_MAX - 1).map(
        (value) => `${encode(String(parameter['name']))}=${encode(textOf(value))}`,
      ),
    ),
    fc.tuple(hostileText, hostileText).map(([name, value]) => `${encode(name)}=${encode(value)}`),
  )
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant('') },
    { weight: 3, arbitrary: fc.array(pair, { minLength: 1, maxLength: 4 }).map((pairs) => `?${pairs.join('&')}`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('?', '?&&', '?a&a&a', '?%', '?=', `?${'a&'.repeat(300)}`, '?a[b]=1&a[c]=2'),
    },
  )
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const PIXEL = 'R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw=='

/** A form as browsers send it, with parts that are missing, doubled, renamed or cut off. */
const multipartForm = fc
  .record({
    parts: fc.array(
      fc.record({
        name: fc.constantFrom('file', 'file', 'file', 'other', ''),
        fileName: fc.oneof(fc.constantFrom('a.gif', 'photo.png', ''), hostileText),
        type: fc.constantFrom('image/gif', 'text/html', 'image/png', ';'),
        content: fc.oneof(fc.constant(Buffer.from(PIXEL, 'base64')), fc.uint8Array({ maxLength: 200 })),
      }),
      { minLength: 0, maxLength: 2 },
    ),
    ending: fc.constantFrom('--b--\r\n', '--b--\r\n', '--b', ''),
  })
  .map(({ parts, ending }) => {
    const chunks = parts.flatMap(({ name, fileName, type, content }) => [
      Buffer.from(
        `--b\r\nContent-Disposition: form-data; name="${name}"; filename="${fileName.replace(/[\r\n"]/g, '')}"\r\nContent-Type: ${type}\r\n\r\n`,
      ),
      Buffer.from(content),
      Buffer.from('\r\n'),
    ])
    return { body: Buffer.concat([...chunks, Buffer.from(ending)]), type: 'multipart/form-data; boundary=b' }
  })

function bodyOf(operation: DocumentedOperation): fc.Arbitrary<{ body: Buffer | undefined; type: string | undefined }> {
  const content = part(operation.operation, 'requestBody', 'content')
  const [type] = Object.keys(content)
  const none = fc.constant({ body: undefined, type: undefined })
  if (type === undefined) {
    return fc.oneof({ weight: 8, arbitrary: none }, { weight: 1, arbitrary: hostile.map((value) => asJson(value)) })
  }
  const raw = fc.uint8Array({ maxLength: 400 }).map((bytes) => ({ body: Buffer.from(bytes), type }))
  if (type === 'multipart/form-data') return fc.oneof(multipartForm, raw, none)
  const json = valueOf(part(content, 'application/json')['schema']).map((value) => asJson(value))
  const broken = json.chain(({ body }) =>
    fc.nat(body.length).map((end) => ({ body: body.subarray(0, end), type: 'application/json' })),
  )
  const deep = fc.integer({ min: 10, max: 3000 }).map((depth) => ({
    body: Buffer.from('['.repeat(depth) + ']'.repeat(depth)),
    type: 'application/json',
  }))
  const isJson = isRecord(content['application/json'])
  return fc.oneof(
    { weight: isJson ? 12 : 1, arbitrary: json },
    { weight: isJson ? 1 : 6, arbitrary: raw },
    { weight: 1, arbitrary: broken },
    { weight: 1, arbitrary: deep },
    { weight: 1, arbitrary: none },
  )
}

function asJson(value: unknown): { body: Buffer; type: string } {
  return { body: Buffer.from(JSON.stringify(value) ?? 'null'), type: 'application/json' }
}

/** Values of headers that routes and the wrappers read; only characters that HTTP allows. */
const headerChoices: Record<string, readonly string[]> = {
  accept: ['*/*', 'application/json', 'application/problem+json', 'text/csv', 'image/*;q=0', ';;;', 'a/b'.repeat(200)],
  'accept-encoding': ['gzip', 'br, gzip;q=0.5', 'identity;q=0', '*', 'deflate'],
  'content-encoding': ['gzip', 'identity', 'br'],
  'if-match': ['*', '"x"', 'W/"x"', '"', ', ,', '"a", "b"'],
  'if-none-match': ['*', '"x"', 'W/"x"', '"'],
  'if-modified-since': ['Thu, 01 Jan 1970 00:00:00 GMT', 'yesterday'],
  'idempotency-key': ['k', 'k'.repeat(255), 'k'.repeat(256), 'with space'],
  'x-request-id': ['abc', 'x'.repeat(65), '../..'],
  range: ['bytes=0-0', 'bytes=-1', 'bytes=9-1', 'bytes=0-1,3-4', 'items=1', `bytes=${'0-0,'.repeat(100)}0-0`],
  origin: ['https://app.example', 'https://evil.example', 'null'],
  prefer: ['dry-run', 'return=minimal', '=;'],
  'x-http-method-override': ['DELETE'],
  traceparent: ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '00-0-0-0'],
  'content-type': ['text/plain', 'application/json; charset=utf-16', 'application/json;', 'multipart/form-data', '/'],
}

const headers: fc.Arbitrary<Record<string, string>> = fc
  .array(
    fc
      .constantFrom(...Object.keys(headerChoices))
      .chain((name) => fc.constantFrom(...(headerChoices[name] ?? [])).map((value): [string, string] => [name, value])),
    { maxLength: 3 },
  )
  .map((pairs) => Object.fromEntries(pairs))

function requestFor(operation: DocumentedOperation): fc.Arbitrary<FuzzedRequest> {
  const names = operation.path.match(/\{\w+\}/g) ?? []
  return fc
    .record({
      segments: fc.array(segment, { minLength: names.length, maxLength: names.length }),
      query: queryOf(operation),
      sent: bodyOf(operation),
      headers,
      credential: fc.constantFrom(...CREDENTIALS),
      method: fc.oneof(
        { weight: 20, arbitrary: fc.constant(operation.method.toUpperCase()) },
        {
          weight: 1,
          arbitrary: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PURGE'),
        },
      ),
    })
    .map(({ segments, query, sent, headers: chosen, credential, method }) => {
      let index = 0
      const path = operation.path.replace(/\{\w+\}/g, () => segments[index++] ?? '')
      const type = sent.type === undefined ? {} : { 'content-type': sent.type }
      return {
        operation: `${operation.method} ${operation.path}`,
        method,
        target: `${path}${query}`,
        credential,
        headers: { ...type, ...chosen },
        body: sent.body,
      }
    })
}

/** All but event streams, whose responses do not end. */
const finite = operations.filter(
  ({ operation }) => part(operation, 'responses', '200', 'content')['text/event-stream'] === undefined,
)

/** Requests over every operation of the document, the same for the same seed. */
export function fuzzedRequests(count: number, seed: number): FuzzedRequest[] {
  return fc.sample(fc.oneof(...finite.map(requestFor)), { numRuns: count, seed })
}
