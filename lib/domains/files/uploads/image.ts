import { Readable } from 'node:stream'
import { disableTypes, imageSize, types } from 'image-size'
import { validationError } from '@/lib/errors'

const IMAGE_TYPES = new Map([
  ['jpg', { extension: 'jpg', mimeType: 'image/jpeg' }],
  ['png', { extension: 'png', mimeType: 'image/png' }],
  ['gif', { extension: 'gif', mimeType: 'image/gif' }],
])

/** Whoever shows an image unpacks it to four bytes a pixel: this is 200 MB, and more than most cameras have. */
const PIXELS_MAX = 50_000_000

/** How deep the dimensions may lie: a JPEG may have profiles and previews before them. */
const HEAD_MAX_BYTES = 1024 * 1024
const HEAD_MIN_BYTES = 64

/** What makes a document of a file for a reader that does not heed its type. */
const MARKUP = /<(?:script|iframe|!doctype\s|html[\s>]|body[\s>]|head[\s>]|\?php)/i
const MARKUP_MAX_CHARACTERS = 10

export type Image = { mimeType: string; extension: string; body: Readable }

type Recognised = { mimeType: string; extension: string; width: number; height: number }

disableTypes(types.filter((type) => !IMAGE_TYPES.has(type)))

const notAnImage = () => validationError({ file: ['must be a JPEG, PNG or GIF image'] })

/** The type and dimensions by the first bytes, or undefined where these do not tell. */
function recogniseImage(head: Uint8Array): Recognised | undefined {
  try {
    const { type = '', width, height } = imageSize(head)
    const known = IMAGE_TYPES.get(type)
    return known !== undefined && width > 0 && height > 0 ? { ...known, width, height } : undefined
  } catch {
    return undefined
  }
}

/** Passes bytes on as long as there is no markup in them; the parts of an HTML page may come in any pieces. */
async function* withoutMarkup(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let before = ''
  for await (const chunk of chunks) {
    const text = before + chunk.toString('latin1')
    if (MARKUP.test(text)) throw validationError({ file: ['must not contain HTML or scripts'] })
    before = text.slice(-MARKUP_MAX_CHARACTERS)
    yield chunk
  }
}

async function readHead(chunks: AsyncGenerator<Buffer>): Promise<{ head: Buffer; image: Recognised }> {
  const parts: Buffer[] = []
  let sizeBytes = 0
  // Looked at whenever it has doubled: small pieces do not make the work grow with their number.
  let nextLookBytes = HEAD_MIN_BYTES
  for (;;) {
    const next = await chunks.next()
    if (next.done !== true) {
      parts.push(next.value)
      sizeBytes += next.value.length
      if (sizeBytes < nextLookBytes) continue
    }
    const head = Buffer.concat(parts)
    const image = recogniseImage(head)
    if (image !== undefined) return { head, image }
    if (next.done === true || sizeBytes > HEAD_MAX_BYTES) throw notAnImage()
    nextLookBytes = sizeBytes * 2
  }
}

/**
 * What a stream of bytes is by its content, and the same bytes again as a stream. VALIDATION_ERROR for what is no JPEG,
 * PNG or GIF and for more pixels than `PIXELS_MAX`; for HTML or scripts anywhere within, `body` fails with it.
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
