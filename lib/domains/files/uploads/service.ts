import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { Actor } from '@/lib/platform/identity/actor'
import { createFileOnce, type CommitDecision } from '@/lib/domains/files/service'
import { readImage } from './image'

/**
 * Stores an image among the caller's files, under a name of our own: nothing that the client says becomes a part of it,
 * and its extension is that of the content. The bytes go to the store as they come, and what fails on the way leaves
 * nothing; `finish` decides whether they become a file. VALIDATION_ERROR, QUOTA_EXCEEDED and what `bytes` fails with.
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
