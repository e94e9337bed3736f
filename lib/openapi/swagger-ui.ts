import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '@/lib/errors'

/**
 * Allows only resources of this server, and neither inline scripts nor inline styles. Images may be `data:` URLs because
 * the viewer's style sheet contains some.
 */
export const REFERENCE_POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:"],
  ...["connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ')

export const REFERENCE_PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Hearth API reference</title>
    <link rel="icon" type="image/png" href="/api/docs/favicon-32x32.png" />
    <link rel="stylesheet" href="/api/docs/swagger-ui.css" />
  </head>
  <body>
    <div id="reference"></div>
    <script src="/api/docs/swagger-ui-bundle.js"></script>
    <script src="/api/docs/start.js"></script>
  </body>
</html>
`

/** `validatorUrl: null` prevents the viewer from sending the document to a public validator. */
const START_SCRIPT = `SwaggerUIBundle({
  url: '/api/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: 'list',
  tryItOutEnabled: true,
  validatorUrl: null,
})
`

const MEDIA_TYPES = {
  'favicon-32x32.png': 'image/png',
  'start.js': 'text/javascript; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui.css': 'text/css; charset=utf-8',
} as const

type AssetName = keyof typeof MEDIA_TYPES

export type Asset = { content: Buffer; mediaType: string; etag: string }

const isAssetName = (name: string): name is AssetName => Object.hasOwn(MEDIA_TYPES, name)

const assets = new Map<AssetName, Promise<Asset>>()

async function readAsset(name: AssetName): Promise<Asset> {
  const content =
    name === 'start.js'
      ? Buffer.from(START_SCRIPT)
      : await readFile(join(process.cwd(), 'node_modules', 'swagger-ui-dist', name))
  const hash = createHash('sha256').update(content).digest('base64url')
  return { content, mediaType: MEDIA_TYPES[name], etag: `"${hash}"` }
}

/**
 * Returns a file of the reference page. Read once.
 * @throws NOT_FOUND when the page does not use the file
 */
export async function referenceAsset(name: string): Promise<Asset> {
  if (!isAssetName(name)) throw new AppError('NOT_FOUND')
  const asset = assets.get(name) ?? readAsset(name)
  assets.set(name, asset)
  return asset
}
