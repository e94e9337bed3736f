import { randomBytes } from 'node:crypto'
import { config, setConfig } from '@/lib/config'
import { prisma } from '@/lib/platform/db/prisma'
import type { Uploaded } from '@/lib/domains/files/uploads/schema'
import { api, type ApiResponse, type Body } from '../support/api'
import { createApiKey, signIn } from '../support/factories'
import { gif, jpeg, png } from '../support/images'

const MIB = 1024 * 1024

type Part = { name?: string; bytes?: Uint8Array<ArrayBuffer> | Buffer; fileName?: string; type?: string }

function formOf(...parts: Part[]): FormData {
  const form = new FormData()
  for (const { name = 'file', bytes = png(), fileName = 'a.png', type = 'image/png' } of parts) {
    form.append(name, new File([new Uint8Array(bytes)], fileName, { type }))
  }
  return form
}

const upload = async <T = Body>(token: string, ...parts: Part[]) =>
  api<T>('POST', '/api/upload', { token, body: formOf(...parts) })

/** Sends a raw body, since a library would only create valid forms. */
const send = async (token: string, body: string | Buffer, contentType = 'multipart/form-data; boundary=b') =>
  api('POST', '/api/upload', {
    token,
    body: new Uint8Array(Buffer.from(body)),
    headers: { 'Content-Type': contentType },
  })

async function expectNothingStored(ownerId: number): Promise<void> {
  expect(await prisma().storedFile.count({ where: { ownerId } })).toBe(0)
  expect(await prisma().orphanedObject.count({ where: { ownerId } })).toBe(0)
}

function expectValidationError(response: ApiResponse<Body>, field: string, message: RegExp): void {
  expect(response.status).toBe(400)
  expect(response.json.error.code).toBe('VALIDATION_ERROR')
  expect(response.json.error.details[field]?.join()).toMatch(message)
}

describe('success', () => {
  it.each([
    ['png', 'image/png', png()],
    ['gif', 'image/gif', gif()],
    ['jpg', 'image/jpeg', jpeg()],
    ['jpg', 'image/jpeg', jpeg(4000, 3000, 300_000)],
  ])('stores a .%s as %s, whatever the declared name and type', async (extension, type, bytes) => {
    const { user, token } = await signIn()
    const response = await upload<Uploaded>(token, { bytes, fileName: 'x.html', type: 'text/html' })
    expect(response.status).toBe(201)
    const { fileName, file } = response.json
    expect(fileName).toMatch(new RegExp(`^[0-9a-f-]{36}\\.${extension}$`))
    const url = `/api/files/${user.id}/uploads/${fileName}`
    expect(response.json).toMatchObject({ success: true, size: bytes.length, type, url })
    expect(file).toMatchObject({ path: `uploads/${fileName}`, mimeType: type, visibility: 'private', ownerId: user.id })
    expect(response.headers.get('location')).toBe(url)
    const read = await api('GET', url, { token })
    expect(read.headers.get('content-type')).toBe(type)
    expect(read.headers.get('x-content-type-options')).toBe('nosniff')
    expect(Number(read.headers.get('content-length'))).toBe(bytes.length)
    expect((await api('GET', url)).status).toBe(404)
  })

  it.each(['../../../etc/passwd', '..\\..\\a.png', '/etc/passwd', 'a\0.png', 'con', '.htaccess', 'é'.repeat(500)])(
    'ignores the file name %j',
    async (fileName) => {
      const { token } = await signIn()
      const response = await upload<Uploaded>(token, { fileName })
      expect(response.status).toBe(201)
      expect(response.json.file.path).toMatch(/^uploads\/[0-9a-f-]{36}\.png$/)
    },
  )

  it('accepts 10 MiB and rejects one more byte', async () => {
    const { user, token } = await signIn()
    const image = png()
    const filled = (sizeBytes: number) => Buffer.concat([image, Buffer.alloc(sizeBytes - image.length)])
    expect((await upload(token, { bytes: filled(10 * MIB) })).status).toBe(201)
    const over = await upload(token, { bytes: filled(10 * MIB + 1) })
    expect(over.status).toBe(413)
    expect(over.json.error.code).toBe('PAYLOAD_TOO_LARGE')
    expect((await upload(token, { bytes: filled(11 * MIB) })).status).toBe(413)
    expect(await prisma().storedFile.count({ where: { ownerId: user.id } })).toBe(1)
    expect(await prisma().orphanedObject.count({ where: { ownerId: user.id } })).toBe(0)
  })

  it('accepts an API key with files:write', async () => {
    const { user } = await signIn()
    const { key } = await createApiKey(user, ['files:write'])
    expect((await upload(key, {})).status).toBe(201)
  })
})

describe('validation', () => {
  let user: { id: number }
  let token: string

  beforeEach(async () => {
    ;({ user, token } = await signIn())
  })

  afterEach(async () => {
    await expectNothingStored(user.id)
  })

  it.each([
    ['HTML', Buffer.from('<!doctype html><script>alert(1)</script>')],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>')],
    ['WebP', Buffer.from('52494646240000005745425056503820180000003001009d012a0100010002003425a400', 'hex')],
    ['BMP', Buffer.from(`424d46000000000000003600000028000000${'02000000'.repeat(2)}0100180000000000`, 'hex')],
    ['noise', randomBytes(3 * MIB)],
    ['the first bytes of a PNG', png().subarray(0, 12)],
    ['a JPEG with 2 MiB before its dimensions', jpeg(2, 2, 2 * MIB)],
    ['a PNG without pixels', png(0, 0, { pixels: false })],
  ])('returns 400 for %s with the name and type of a PNG', async (_what, bytes) => {
    expectValidationError(await upload(token, { bytes }), 'file', /JPEG, PNG or GIF|HTML/)
  })

  it.each([
    ['a PNG', png(100_000, 100_000, { pixels: false })],
    ['a JPEG', jpeg(65_500, 65_500)],
    ['a PNG with maximum dimensions', png(0x7fffffff, 0x7fffffff, { pixels: false })],
  ])('returns 400 for %s with too many pixels', async (_what, bytes) => {
    expectValidationError(await upload(token, { bytes }), 'file', /50000000 pixels/)
  })

  it.each([
    ['in a comment', png(2, 2, { text: '<ScRiPt>alert(1)</script>' })],
    ['after the end', gif('<html ><body>')],
    ['after much else', gif(`${'x'.repeat(3 * MIB)}<!DOCTYPE html>`)],
    ['across two pieces', gif(`${'x'.repeat(65_536 - 45)}<iframe src=x>`)],
    ['of PHP', gif('<?php system($_GET[0]);')],
  ])('returns 400 for an image with HTML or a script %s', async (_where, bytes) => {
    expectValidationError(await upload(token, { bytes }), 'file', /HTML or scripts/)
  })

  it('returns 400 for an empty file', async () => {
    expectValidationError(await upload(token, { bytes: Buffer.alloc(0) }), 'file', /empty/)
  })

  it.each(['image', 'File', 'file[]', '__proto__', ''])('returns 400 for the field name %j', async (name) => {
    const response = await upload(token, { name })
    expect(response.status).toBe(400)
    expect(Object.getOwnPropertyNames(response.json.error.details)).toEqual([name])
  })

  it('returns 400 for several parts', async () => {
    expectValidationError(await upload(token, ...Array.from({ length: 10 }, () => ({}))), 'file', /only part/)
    expectValidationError(await upload(token, {}, { name: 'other' }), 'file', /only part/)
    expectValidationError(await upload(token, { name: 'other' }, {}), 'other', /not allowed/)
  })

  it('returns 400 for a text field', async () => {
    const form = new FormData()
    form.append('file', 'a text')
    expectValidationError(await api('POST', '/api/upload', { token, body: form }), 'file', /must be a file/)
  })

  it('returns 400 for a form without parts and for an empty body', async () => {
    expectValidationError(await send(token, '--b--\r\n'), 'file', /is required/)
    expectValidationError(await send(token, ''), 'file', /is required/)
  })

  it.each([
    ['in the image', 30],
    ['in the closing boundary', 3],
  ])('returns 400 for a body that is truncated %s', async (_where, missingBytes) => {
    const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: image/png\r\n\r\n'
    const whole = Buffer.concat([Buffer.from(head), png(), Buffer.from('\r\n--b--')])
    expectValidationError(await send(token, whole.subarray(0, -missingBytes)), 'body', /truncated/)
  })

  it('returns 400 for unterminated part headers', async () => {
    const endless = `--b\r\nContent-Disposition: form-data; name="file"; x="${'x'.repeat(11 * MIB)}`
    expect((await send(token, endless)).status).toBe(413)
  })

  it('returns 415 for another media type and 400 for an invalid form', async () => {
    for (const contentType of ['application/json', 'multipart/mixed; boundary=b', 'multipart', 'image/png']) {
      const response = await send(token, png(), contentType)
      expect(response.status).toBe(415)
      expect(response.json.error.code).toBe('UNSUPPORTED_MEDIA_TYPE')
    }
    expectValidationError(await send(token, 'x', 'multipart/form-data'), 'body', /boundary/)
    expectValidationError(await send(token, 'x'.repeat(100)), 'body', /not valid multipart|truncated/)
  })

  it('returns 413 when the quota is exceeded', async () => {
    const original = config()
    setConfig({ ...original, filesQuotaBytes: 10 })
    try {
      const response = await upload(token, {})
      expect(response.status).toBe(413)
      expect(response.json.error.code).toBe('QUOTA_EXCEEDED')
    } finally {
      setConfig(original)
    }
  })
})

it('returns 401 without credentials before the body is read', async () => {
  const response = await api('POST', '/api/upload', { body: formOf({}) })
  expect(response.status).toBe(401)
})

it('returns 403 for an API key without files:write', async () => {
  const { user } = await signIn()
  const { key } = await createApiKey(user, ['files:read'])
  expect((await upload(key, {})).status).toBe(403)
})

it('returns 405 for another method', async () => {
  expect((await api('GET', '/api/upload')).status).toBe(405)
})
