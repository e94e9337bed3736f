import type { ServerResponse } from 'node:http'
import { Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import * as zlib from 'node:zlib'
import { LRUCache } from 'lru-cache'
import Negotiator from 'negotiator'
import { processSingleton } from '@/lib/process-singleton'
import { addVary } from './vary'

/** The content codings that can be sent, the preferred ones first. */
const ENCODINGS = ['br', 'zstd', 'gzip'] as const
export type Encoding = (typeof ENCODINGS)[number]

/** Smaller bodies fit into one packet anyway. */
const MIN_BYTES = 1_024
/** Smaller bodies are compressed faster than a thread could be given the work. */
const SYNC_MAX_BYTES = 16_384
const COMPRESSED_CACHE_MAX_BYTES = 8 * 1_048_576

const COMPRESSIBLE = /^(text\/|application\/([\w.-]+\+)?(json|x-ndjson|javascript))/

// Measured on lists of products: higher levels cost several times as much for a few percent.
const BROTLI_QUALITY = 4
const GZIP_LEVEL = 4

/** Undefined in versions of Node without Zstandard (before 22.15). */
const createZstdCompress: unknown = Reflect.get(zlib, 'createZstdCompress')

const available = ENCODINGS.filter((name) => name !== 'zstd' || typeof createZstdCompress === 'function')

/** Returns the coding that the client prefers (RFC 9110, section 12.5.3); undefined for none. */
function preferredEncoding(res: ServerResponse): Encoding | undefined {
  const negotiator = new Negotiator(res.req)
  // The type declarations lack the second parameter, which breaks ties.
  const wanted: unknown = Reflect.apply(negotiator.encoding.bind(negotiator), undefined, [
    [...available, 'identity'],
    { preferred: [...available] },
  ])
  return available.find((name) => name === wanted)
}

/**
 * Chooses the coding of a response whose other headers are set, and sets `Vary` and `Content-Encoding`. The `ETag` is that of
 * the uncompressed bytes, so that the one of a short 201 is also that of a compressed GET. Responses with `Cache-Control: no-store` contain tokens, whose bytes could be guessed from the
 * compressed length (BREACH), and are not compressed. Without `sizeBytes` the body is a stream.
 */
export function negotiateEncoding(res: ServerResponse, sizeBytes?: number): Encoding | undefined {
  if (!COMPRESSIBLE.test(String(res.getHeader('Content-Type')))) return undefined
  if (String(res.getHeader('Cache-Control')).includes('no-store')) return undefined
  addVary(res, 'Accept-Encoding')
  if (sizeBytes !== undefined && sizeBytes <= MIN_BYTES) return undefined
  const encoding = preferredEncoding(res)
  if (encoding === undefined) return undefined
  res.setHeader('Content-Encoding', encoding)
  return encoding
}

/** Creates a compressor; with `flushes` it passes on every chunk as soon as it is written. */
export function createCompressor(encoding: Encoding, { flushes }: { flushes: boolean }): Transform {
  const { constants } = zlib
  if (encoding === 'gzip') {
    return zlib.createGzip({ level: GZIP_LEVEL, ...(flushes && { flush: constants.Z_SYNC_FLUSH }) })
  }
  if (encoding === 'br') {
    const params = { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY }
    return zlib.createBrotliCompress({ params, ...(flushes && { flush: constants.BROTLI_OPERATION_FLUSH }) })
  }
  const options = flushes ? { flush: Reflect.get(constants, 'ZSTD_e_flush') } : {}
  const compressor: unknown =
    typeof createZstdCompress === 'function' ? Reflect.apply(createZstdCompress, undefined, [options]) : undefined
  if (compressor instanceof Transform) return compressor
  throw new Error('Zstandard is not available.')
}

function compressSync(body: Buffer, encoding: Encoding): Buffer | undefined {
  if (body.length > SYNC_MAX_BYTES || encoding === 'zstd') return undefined
  if (encoding === 'gzip') return zlib.gzipSync(body, { level: GZIP_LEVEL })
  const params = {
    [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
    [zlib.constants.BROTLI_PARAM_SIZE_HINT]: body.length,
  }
  return zlib.brotliCompressSync(body, { params })
}

const compressed = processSingleton(
  'compressed-bodies',
  () => new LRUCache<string, Buffer>({ maxSize: COMPRESSED_CACHE_MAX_BYTES, sizeCalculation: (body) => body.length }),
)

/** Returns the key of a body that many clients receive: its ETag, a hash of its bytes, and the coding. */
function sharedKey(res: ServerResponse, encoding: Encoding): string | undefined {
  const etag = res.getHeader('ETag')
  const isShared = typeof etag === 'string' && !String(res.getHeader('Cache-Control')).includes('private')
  return isShared ? `${encoding} ${etag}` : undefined
}

function end(res: ServerResponse, body: Buffer): void {
  res.setHeader('Content-Length', body.length)
  res.end(body)
}

async function compressAndEnd(res: ServerResponse, body: Buffer, encoding: Encoding): Promise<void> {
  const key = sharedKey(res, encoding)
  const compressor = createCompressor(encoding, { flushes: false })
  compressor.end(body)
  const bytes = await buffer(compressor)
  if (key !== undefined) compressed().set(key, bytes)
  end(res, bytes)
}

const pending = new WeakMap<ServerResponse, Promise<void>>()

/** Waits until the body of a response is compressed and passed to Node. */
export async function waitUntilSent(res: ServerResponse): Promise<void> {
  await pending.get(res)
}

/** Sends a body with the coding that `negotiateEncoding` chose. Large ones are compressed in another thread. */
export function sendEncoded(res: ServerResponse, body: Buffer, encoding: Encoding | undefined): void {
  if (encoding === undefined) {
    end(res, body)
    return
  }
  const known = compressed().get(sharedKey(res, encoding) ?? '') ?? compressSync(body, encoding)
  if (known !== undefined) end(res, known)
  else pending.set(res, compressAndEnd(res, body, encoding))
}

/** Sends a body, compressed if that is worth it and the client accepts it. Its other headers must be set. */
export function sendBody(res: ServerResponse, body: Buffer): void {
  sendEncoded(res, body, negotiateEncoding(res, body.length))
}
