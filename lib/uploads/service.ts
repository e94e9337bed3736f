import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { Actor } from '@/lib/auth/actor'
import { createFile, type StoredFile } from '@/lib/files/service'
import { readImage } from './image'

/**
 * Stores an image among the caller's files, under a name of our own: nothing that the client says becomes a part of it,
 * and its extension is that of the content. The bytes go to the store as they come, and what fails on the way leaves
 * nothing. VALIDATION_ERROR, QUOTA_EXCEEDED and what `bytes` fails with.
 */
export async function uploadImage(actor: Actor, bytes: Readable): Promise<StoredFile> {
  const { mimeType, extension, body } = await readImage(bytes)
  try {
    return await createFile({
      ownerId: actor.userId,
      path: `uploads/${randomUUID()}.${extension}`,
      mimeType,
      body,
    })
  } finally {
    bytes.destroy()
  }
}
