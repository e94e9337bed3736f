import supertest from 'supertest'
import { assertConforms } from './assert-matches-openapi'

// Validates every response that tests receive by fetch or supertest against the document. Imported for its side effect.

const BODY_MAX_BYTES = 1_048_576
const JSON_TYPE = /^application\/(problem\+)?json/

/** Returns true for requests to the API of a server under test. */
function isOurs(url: URL): boolean {
  return url.hostname === '127.0.0.1' && url.pathname.startsWith('/api')
}

const { fetch } = globalThis

globalThis.fetch = async (input, init) => {
  const response = await fetch(input, init)
  const url = new URL(input instanceof Request ? input.url : input)
  if (!isOurs(url)) return response
  const method = init?.method ?? (input instanceof Request ? input.method : 'GET')
  const { status, headers } = response
  const isSmallJson =
    JSON_TYPE.test(headers.get('content-type') ?? '') && Number(headers.get('content-length') ?? 0) < BODY_MAX_BYTES
  assertConforms({ method, url: url.href }, { status, headers, text: isSmallJson ? await response.clone().text() : '' })
  return response
}

const { prototype } = supertest.Test
const end: supertest.Test['end'] = Reflect.get(prototype, 'end')

prototype.end = function endAndCheck(callback) {
  return end.call(this, (error, response) => {
    const url = new URL(this.url)
    if (response !== undefined && isOurs(url)) {
      const headers = new Headers(response.headers)
      const text = JSON_TYPE.test(response.type) ? response.text : ''
      try {
        assertConforms({ method: this.method, url: this.url }, { status: response.status, headers, text })
      } catch (deviation) {
        callback?.(deviation, response)
        return
      }
    }
    callback?.(error, response)
  })
}
