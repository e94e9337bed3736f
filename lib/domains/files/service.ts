import type { Readable } from 'node:stream'
import { recordEvent } from '@/lib/domains/audit/service'
import type { Actor, ClientInfo } from '@/lib/platform/identity/actor'
import { AppError } from '@/lib/errors'
import { afterCommit, inTransaction } from '@/lib/platform/db/transaction'
import type { Validators } from '@/lib/platform/etag'
import type { List } from '@/lib/platform/pagination/query'
import { recordFileDeletion, recordFileUpdate, toFile } from './file-events'
import { isLinkValid, signLink, type LinkParameters } from './links'
import * as repository from './repository'
import type { StoredFile } from './repository'
import type { File, FileChanges, FileLink, FileUrl, ListFilesQuery, NewLink } from './schema'
import { fileStore, type ByteRange } from '@/lib/domains/files/storage/store'
import {
  commitImmediately,
  deleteBytes,
  lockOwner,
  stageFile,
  type CommitDecision,
  type FilePrecondition,
  type Upload,
  type Written,
} from './write'

export { toFile } from './file-events'
export type { StoredFile } from './repository'
export type { CommitDecision, FilePrecondition, Upload } from './write'

const CLEANUP_BATCH = 100

/** Returns the validators of a file; its ETag is the hash of its content and its revision. */
export function validatorsOf({ sha256, revision, updatedAt }: StoredFile): Required<Validators> {
  return { etag: `"${sha256}-${revision}"`, lastModified: updatedAt.toUTCString() }
}

/** Returns the path and query of a file's URL. */
export function urlOfFile({ ownerId, path }: { ownerId: number; path: string }): string {
  return `/api/files/${ownerId}/${path.split('/').map(encodeURIComponent).join('/')}`
}

/** @throws UNAUTHORIZED when an anonymous client requests `me` */
function ownerIdOf(actor: Actor | undefined, { owner }: FileUrl): number {
  if (owner !== 'me') return owner
  if (actor === undefined) throw new AppError('UNAUTHORIZED')
  return actor.userId
}

/** Finds a file if the caller may read it: the owner, an admin, and everyone if it is public or the link is valid. */
async function findVisible(
  actor: Actor | undefined,
  url: FileUrl,
  link: LinkParameters = {},
): Promise<StoredFile | undefined> {
  const ownerId = ownerIdOf(actor, url)
  const file = await repository.findFile(ownerId, url.path)
  if (file === undefined) return undefined
  const visible =
    file.visibility === 'public' || actor?.userId === ownerId || actor?.role === 'admin' || isLinkValid(link, file)
  return visible ? file : undefined
}

/**
 * Returns the owner's id if the caller may change their files, which only the owner may.
 *
 * @throws NOT_FOUND when the caller cannot read the file either
 * @throws FORBIDDEN when the caller can only read it
 */
async function assertOwner(actor: Actor, url: FileUrl): Promise<number> {
  const ownerId = ownerIdOf(actor, url)
  if (ownerId === actor.userId) return ownerId
  throw new AppError((await findVisible(actor, url)) === undefined ? 'NOT_FOUND' : 'FORBIDDEN')
}

/**
 * Returns a file. Records when an admin reads a private file of another user.
 *
 * @throws NOT_FOUND when there is none that the caller may read
 * @throws UNAUTHORIZED when an anonymous client requests `me`
 */
export async function getFile(
  actor: Actor | undefined,
  { url, link = {} }: { url: FileUrl; link?: LinkParameters },
  client: ClientInfo,
): Promise<StoredFile> {
  const file = await findVisible(actor, url, link)
  if (file === undefined) throw new AppError('NOT_FOUND')
  const { id: fileId, ownerId, path, visibility } = file
  if (actor !== undefined && actor.userId !== ownerId && visibility === 'private' && !isLinkValid(link, file)) {
    const details = { fileId, ownerId, path }
    await recordEvent({ action: 'file_read_by_admin', actorId: actor.userId, client, details })
  }
  return file
}

/**
 * Opens the bytes of a file, or a range of them. The caller must read the stream to its end or destroy it.
 *
 * @throws NOT_FOUND when the file was replaced or deleted meanwhile
 */
export async function openFile(file: StoredFile, range?: ByteRange): Promise<Readable> {
  const store = await fileStore()
  const bytes = await store.read(file.storageKey, range)
  if (bytes !== undefined) return bytes
  const current = await repository.findFile(file.ownerId, file.path)
  if (current?.storageKey !== file.storageKey) throw new AppError('NOT_FOUND')
  throw new Error(`The bytes of file ${file.id} are missing from the store.`)
}

/**
 * Creates a file from a stream, private by default. `decision` decides, by the hash of the bytes, whether they become a
 * file, and produces the result. The path must be normalized (`normalizePath`). Also throws what the body throws.
 *
 * @throws FILE_EXISTS when there is a file at the path
 * @throws QUOTA_EXCEEDED when the file does not fit
 * @throws UNAUTHORIZED when the owner's account was deleted
 */
export async function createFileOnce<T>(upload: Upload, decision: CommitDecision<T>): Promise<T> {
  const assertAbsent: FilePrecondition = (current) => {
    if (current !== undefined) throw new AppError('FILE_EXISTS')
  }
  return stageFile(upload, assertAbsent, decision)
}

/** Creates a file from a stream unconditionally; see `createFileOnce`. */
export async function createFile(upload: Upload): Promise<StoredFile> {
  return (await createFileOnce(upload, commitImmediately)).file
}

type Body = Pick<Upload, 'mimeType' | 'body' | 'sizeBytes'>

/** Creates a file at a URL if `decision` commits it; see `createFileOnce` and `assertOwner` for what it throws. */
export async function createFileAt<T>(
  actor: Actor,
  url: FileUrl,
  { decision, ...body }: Body & { decision: CommitDecision<T> },
): Promise<T> {
  const ownerId = await assertOwner(actor, url)
  return createFileOnce({ ...body, ownerId, path: url.path }, decision)
}

/**
 * Creates or replaces the file at a URL. A replaced file keeps its visibility.
 *
 * @throws NOT_FOUND, FORBIDDEN when the caller is not the owner
 * @throws QUOTA_EXCEEDED when the file does not fit
 */
export async function putFile(
  actor: Actor,
  url: FileUrl,
  { precondition, ...body }: Body & { precondition: FilePrecondition },
): Promise<Written> {
  const ownerId = await assertOwner(actor, url)
  return stageFile({ ...body, ownerId, path: url.path }, precondition, commitImmediately)
}

/** Locks the owner's files and returns the one at the path, if the precondition holds. Call it in a transaction. */
async function lockFile(ownerId: number, path: string, precondition: FilePrecondition): Promise<StoredFile> {
  await lockOwner(ownerId)
  const current = await repository.findFile(ownerId, path)
  if (current === undefined) throw new AppError('NOT_FOUND')
  precondition(current)
  return current
}

/**
 * Changes the visibility or path of a file.
 *
 * @throws NOT_FOUND, FORBIDDEN when there is none that the caller owns
 * @throws FILE_EXISTS when the new path is taken
 */
export async function updateFile(
  actor: Actor,
  url: FileUrl,
  { changes, precondition }: { changes: FileChanges; precondition: FilePrecondition },
): Promise<StoredFile> {
  const ownerId = await assertOwner(actor, url)
  return inTransaction(async () => {
    const current = await lockFile(ownerId, url.path, precondition)
    const file = await repository.updateFile(current.id, changes)
    await recordFileUpdate(file, current)
    return file
  })
}

/**
 * Deletes a file, and its bytes after the commit.
 *
 * @throws NOT_FOUND, FORBIDDEN when there is none that the caller owns
 */
export async function deleteFile(actor: Actor, url: FileUrl, precondition: FilePrecondition): Promise<void> {
  const ownerId = await assertOwner(actor, url)
  const { storageKey } = await inTransaction(async () => {
    const current = await lockFile(ownerId, url.path, precondition)
    await repository.deleteFile(current.id)
    await recordFileDeletion(current)
    return current
  })
  await afterCommit(() => deleteBytes([storageKey]))
}

/** Lists the caller's files. */
export async function listFiles(actor: Actor, query: ListFilesQuery): Promise<List<File>> {
  const list = await repository.listFiles(actor.userId, query)
  return { ...list, items: list.items.map(toFile) }
}

/**
 * Creates a link that opens one of the caller's files without an account, until it expires or the content is replaced.
 *
 * @throws NOT_FOUND when there is no such file
 */
export async function createLink(actor: Actor, { path, expiresIn }: NewLink, client: ClientInfo): Promise<FileLink> {
  const file = await repository.findFile(actor.userId, path)
  if (file === undefined) throw new AppError('NOT_FOUND')
  const expiresAt = new Date((Math.floor(Date.now() / 1000) + expiresIn) * 1000)
  const details = { fileId: file.id, path, expiresAt: expiresAt.toISOString() }
  await recordEvent({ action: 'file_link_created', actorId: actor.userId, client, details })
  const query = new URLSearchParams(signLink(file, expiresAt))
  return { url: `${urlOfFile(file)}?${query}`, expiresAt }
}

/** Deletes stored bytes without a file: of deleted files and accounts, and of abandoned uploads. Returns the count. */
export async function deleteUnreferencedFiles(): Promise<number> {
  let count = 0
  for (;;) {
    const keys = await repository.claimOrphanedObjects(CLEANUP_BATCH)
    if (keys.length === 0) return count
    await deleteBytes(keys)
    count += keys.length
  }
}

/** Rejects when the file store is unavailable. */
export async function checkFileStore(): Promise<void> {
  await (await fileStore()).check()
}
