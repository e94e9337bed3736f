import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { Actor } from '@/lib/platform/identity/actor'
import { createFileOnce, type CommitDecision } from '@/lib/domains/files/service'
import { readImage } from './image'

/**
 * Stores an image in the caller's files under a generated name; nothing in it is client input, and the extension follows
 * the content. The bytes are streamed to the store; `decision` decides whether they become a file. Also throws what
 * `bytes` fails with.
 *
 * @throws VALIDATION_ERROR when it is not an allowed image
 * @throws QUOTA_EXCEEDED when it does not fit
 */
export async function uploadImage<T>(actor: Actor, bytes: Readable, decision: CommitDecision<T>): Promise<T> {
  const { mimeType, extension, body } = await readImage(bytes)
  const path = `uploads/${randomUUID()}.${extension}`
  try {
    return await createFileOnce({ ownerId: actor.userId, path, mimeType, body }, decision)
  } finally {
    bytes.destroy()
  }
}
