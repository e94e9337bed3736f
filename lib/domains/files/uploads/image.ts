import { Readable } from 'node:stream'
import { disableTypes, imageSize, types } from 'image-size'
import { validationError } from '@/lib/errors'

const IMAGE_TYPES = new Map([
  ['jpg', { extension: 'jpg', mimeType: 'image/jpeg' }],
  ['png', { extension: 'png', mimeType: 'image/png' }],
  ['gif', { extension: 'gif', mimeType: 'image/gif' }],
])

/** Prevents decompression bombs: decoded at four bytes per pixel this is 200 MB, and more than most cameras produce. */
const PIXELS_MAX = 50_000_000

/** A JPEG may have profiles and previews before its dimensions. */
const HEAD_MAX_BYTES = 1024 * 1024
const HEAD_MIN_BYTES = 64

/** Markup that a content-sniffing browser might treat as HTML. */
const MARKUP = /<(?:script|iframe|!doctype\s|html[\s>]|body[\s>]|head[\s>]|\?php)/i
const MARKUP_MAX_CHARACTERS = 10

export type Image = { mimeType: string; extension: string; body: Readable }

type Detected = { mimeType: string; extension: string; width: number; height: number }

disableTypes(types.filter((type) => !IMAGE_TYPES.has(type)))

const notAnImage = () => validationError({ file: ['must be a JPEG, PNG or GIF image'] })

/** Detects type and dimensions from the first bytes; returns undefined if these are not enough. */
function detectImage(head: Uint8Array): Detected | undefined {
  try {
    const { type = '', width, height } = imageSize(head)
    const known = IMAGE_TYPES.get(type)
    return known !== undefined && width > 0 && height > 0 ? { ...known, width, height } : undefined
  } catch {
    return undefined
  }
}

/** Passes chunks on and throws on markup, also when it spans chunks. */
async function* withoutMarkup(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let before = ''
  for await (const chunk of chunks) {
    const text = before + chunk.toString('latin1')
    if (MARKUP.test(text)) throw validationError({ file: ['must not contain HTML or scripts'] })
    before = text.slice(-MARKUP_MAX_CHARACTERS)
    yield chunk
  }
}

async function readHead(chunks: AsyncGenerator<Buffer>): Promise<{ head: Buffer; image: Detected }> {
  const parts: Buffer[] = []
  let sizeBytes = 0
  // Detect again only when the size has doubled, so that many small chunks do not cost quadratic time.
  let nextAttemptBytes = HEAD_MIN_BYTES
  for (;;) {
    const next = await chunks.next()
    if (next.done !== true) {
      parts.push(next.value)
      sizeBytes += next.value.length
      if (sizeBytes < nextAttemptBytes) continue
    }
    const head = Buffer.concat(parts)
    const image = detectImage(head)
    if (image !== undefined) return { head, image }
    if (next.done === true || sizeBytes > HEAD_MAX_BYTES) throw notAnImage()
    nextAttemptBytes = sizeBytes * 2
  }
}

/**
 * Detects the image type of a stream by its content. Returns all of its bytes as `body`, which fails with
 * VALIDATION_ERROR if they contain HTML or scripts.
 *
 * @throws VALIDATION_ERROR when it is not a JPEG, PNG or GIF or has more than `PIXELS_MAX` pixels
 */
export async function readImage(bytes: Readable): Promise<Image> {
  const chunks = withoutMarkup(bytes)
  try {
    const { head, image } = await readHead(chunks)
    const { mimeType, extension, width, height } = image
    if (width * height > PIXELS_MAX) throw validationError({ file: [`must have ${PIXELS_MAX} pixels or fewer`] })
    const whole = async function* () {
      yield head
      yield* chunks
    }
    return { mimeType, extension, body: Readable.from(whole(), { objectMode: false }) }
  } catch (error) {
    await chunks.return(undefined)
    bytes.destroy()
    throw error
  }
}
