import { crc32, deflateSync } from 'node:zlib'

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}

/** Returns a PNG of one colour. Without `pixels` only the header has these dimensions. */
export function png(width = 2, height = 2, { text = '', pixels = true } = {}): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 0], 8)
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    pngChunk('IHDR', header),
    ...(text === '' ? [] : [pngChunk('tEXt', Buffer.from(`Comment\0${text}`, 'latin1'))]),
    pngChunk('IDAT', deflateSync(Buffer.alloc(pixels ? (width + 1) * height : 1))),
    pngChunk('IEND', Buffer.alloc(0)),
  ])
}

/** Returns a GIF of one pixel, followed by `after`. */
export function gif(after = ''): Buffer {
  const image = '47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b'
  return Buffer.concat([Buffer.from(image, 'hex'), Buffer.from(after, 'latin1')])
}

/** Returns the frame of a JPEG with `dataBytes` of application data before its dimensions. */
export function jpeg(width = 3, height = 2, dataBytes = 14): Buffer {
  const segments: Buffer[] = [Buffer.from('ffd8', 'hex')]
  for (let left = dataBytes; left > 0; left -= 65_533) {
    const data = Buffer.alloc(Math.min(left, 65_533), 0x20)
    const head = Buffer.from('ffe10000', 'hex')
    head.writeUInt16BE(data.length + 2, 2)
    segments.push(head, data)
  }
  const frame = Buffer.from('ffc0000b080000000001011100', 'hex')
  frame.writeUInt16BE(height, 5)
  frame.writeUInt16BE(width, 7)
  return Buffer.concat([...segments, frame, Buffer.from('ffda0008010100003f00d2cf20ffd9', 'hex')])
}
