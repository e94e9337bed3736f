import { recordChange, type Audience } from '@/lib/domains/events/service'
import type { StoredFile } from './repository'
import type { File } from './schema'

/** Removes the internal fields of a file. */
export function toFile(stored: StoredFile): File {
  const { storageKey, revision, ...file } = stored
  return file
}

function audienceOf({ ownerId, visibility }: StoredFile): Audience {
  return visibility === 'public' ? { everyone: true } : { admins: true, userIds: [ownerId] }
}

/** Records the creation of a file as part of the surrounding transaction, which has locked the owner. */
export async function recordFileCreation(file: StoredFile): Promise<void> {
  const audience = audienceOf(file)
  await recordChange({ type: 'file.created', actorId: file.ownerId, id: file.id, data: toFile(file), audience })
}

/** Records a change of a file like `recordFileCreation`. Only owners change files. */
export async function recordFileUpdate(file: StoredFile, previous: StoredFile): Promise<void> {
  const { id, ownerId: actorId } = file
  const audiences = { audience: audienceOf(file), previousAudience: audienceOf(previous) }
  await recordChange({ type: 'file.updated', actorId, id, data: toFile(file), ...audiences })
}

/** Records the deletion of a file like `recordFileCreation`. */
export async function recordFileDeletion(file: StoredFile): Promise<void> {
  const audience = audienceOf(file)
  await recordChange({ type: 'file.deleted', actorId: file.ownerId, id: file.id, data: null, audience })
}
