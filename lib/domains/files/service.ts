import type { Readable } from 'node:stream'
import type { Actor } from '@/lib/platform/identity/actor'
import { AppError } from '@/lib/errors'
import type { List } from '@/lib/platform/pagination/query'
import { isLinkValid, signLink, type LinkParameters } from './links'
import * as repository from './repository'
import type { Guard, StoredFile } from './repository'
import type { File, FileChanges, FileLink, FileUrl, ListFilesQuery, NewLink } from './schema'
import { fileStore, type ByteRange } from '@/lib/domains/files/storage/store'
import { commitImmediately, removeBytes, stageFile, writeFile, type Finish, type Upload } from './write'

export type { StoredFile } from './repository'
export type { Finish, Upload } from './write'

/** How many keys the sweeper takes at a time. */
const SWEEP_BATCH = 100

/** A file as clients see it. */
export function toFile(stored: StoredFile): File {
  const { storageKey, revision, ...file } = stored
  return file
}

/** A file's strong entity tag (RFC 9110, section 8.8.3): its content's hash, and which change of it this is. */
export function entityTag({ sha256, revision }: StoredFile): string {
  return `"${sha256}-${revision}"`
}

/** The URL of a file below the API's origin. */
export function urlOfFile({ ownerId, path }: { ownerId: number; path: string }): string {
  return `/api/files/${ownerId}/${path.split('/').map(encodeURIComponent).join('/')}`
}

/** UNAUTHORIZED when nobody is there to be `me`. */
function ownerIdOf(actor: Actor | undefined, { owner }: FileUrl): number {
  if (owner !== 'me') return owner
  if (actor === undefined) throw new AppError('UNAUTHORIZED')
  return actor.userId
}

/** The file if the caller may see it: its owner, an admin, anybody if it is public or a link opens it. */
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

/** The owner whose files the caller may change: theirs. Of others' they learn no more than from reading. */
async function assertOwner(actor: Actor, url: FileUrl): Promise<number> {
  const ownerId = ownerIdOf(actor, url)
  if (ownerId === actor.userId) return ownerId
  throw new AppError((await findVisible(actor, url)) === undefined ? 'NOT_FOUND' : 'FORBIDDEN')
}

/** NOT_FOUND, UNAUTHORIZED for `me` without credentials. */
export async function getFile(actor: Actor | undefined, url: FileUrl, link?: LinkParameters): Promise<StoredFile> {
  const file = await findVisible(actor, url, link)
  if (file === undefined) throw new AppError('NOT_FOUND')
  return file
}

/**
 * The bytes of a file, or a part of them; NOT_FOUND when it was replaced or deleted a moment ago. The caller reads the
 * stream to its end or destroys it.
 */
export async function openFile(file: StoredFile, range?: ByteRange): Promise<Readable> {
  const store = await fileStore()
  const bytes = await store.read(file.storageKey, range)
  if (bytes !== undefined) return bytes
  const now = await repository.findFile(file.ownerId, file.path)
  if (now?.storageKey !== file.storageKey) throw new AppError('NOT_FOUND')
  throw new Error(`The bytes of file ${file.id} are missing from the store.`)
}

/**
 * Creates a file for an owner from a stream; it is visible when this resolves, whole, and private unless the upload
 * says otherwise. FILE_EXISTS, QUOTA_EXCEEDED, NOT_FOUND without such an owner, and what the body fails with. Whoever
 * calls this has made sure that the path is a sound one (`normalizePath`).
 */
export async function createFile(upload: Upload): Promise<StoredFile> {
  return (await createFileOnce(upload, commitImmediately)).file
}

/** The same, but `finish` decides, by the hash of the bytes, whether they become a file, and what comes of it. */
export async function createFileOnce<T>(upload: Upload, finish: Finish<T>): Promise<T> {
  const guard: Guard = (current) => {
    if (current !== undefined) throw new AppError('FILE_EXISTS')
  }
  return stageFile(upload, guard, finish)
}

type Body = Pick<Upload, 'mimeType' | 'body' | 'sizeBytes'>

/** Creates a file at a URL if `finish` wants it. NOT_FOUND, FORBIDDEN, FILE_EXISTS, QUOTA_EXCEEDED. */
export async function createFileAt<T>(actor: Actor, url: FileUrl, input: Body & { finish: Finish<T> }): Promise<T> {
  const { finish, ...body } = input
  const ownerId = await assertOwner(actor, url)
  return createFileOnce({ ...body, ownerId, path: url.path }, finish)
}

/** Creates or replaces the file at a URL, which keeps its visibility. NOT_FOUND, FORBIDDEN, QUOTA_EXCEEDED. */
export async function putFile(
  actor: Actor,
  url: FileUrl,
  input: Body & { guard: Guard },
): Promise<{ file: StoredFile; created: boolean }> {
  const { guard, ...body } = input
  const ownerId = await assertOwner(actor, url)
  return writeFile({ ...body, ownerId, path: url.path }, guard)
}

/** Changes visibility, path or both. NOT_FOUND, FORBIDDEN, FILE_EXISTS. */
export async function updateFile(
  actor: Actor,
  url: FileUrl,
  input: { changes: FileChanges; guard: Guard },
): Promise<StoredFile> {
  const ownerId = await assertOwner(actor, url)
  return repository.updateFile(ownerId, url.path, input)
}

/** NOT_FOUND, FORBIDDEN. */
export async function deleteFile(actor: Actor, url: FileUrl, guard: Guard): Promise<void> {
  const ownerId = await assertOwner(actor, url)
  await removeBytes([await repository.deleteFile(ownerId, url.path, guard)])
}

/** The caller's files. */
export async function listFiles(actor: Actor, query: ListFilesQuery): Promise<List<File>> {
  const list = await repository.listFiles(actor.userId, query)
  return { ...list, items: list.items.map(toFile) }
}

/** A link to a file of the caller's that opens without an account, until then or until the file is another. NOT_FOUND. */
export async function createLink(actor: Actor, { path, expiresIn }: NewLink): Promise<FileLink> {
  const file = await repository.findFile(actor.userId, path)
  if (file === undefined) throw new AppError('NOT_FOUND')
  const expiresAt = new Date((Math.floor(Date.now() / 1000) + expiresIn) * 1000)
  const query = new URLSearchParams(signLink(file, expiresAt))
  return { url: `${urlOfFile(file)}?${query}`, expiresAt }
}

/** Removes the bytes that no file names: of deleted files and accounts, and of writes that nobody finished. How many. */
export async function deleteUnreferencedFiles(): Promise<number> {
  let count = 0
  for (;;) {
    const keys = await repository.claimUnreferenced(SWEEP_BATCH)
    if (keys.length === 0) return count
    await removeBytes(keys)
    count += keys.length
  }
}

/** Rejects when the store cannot be used at present. */
export async function checkFileStore(): Promise<void> {
  await (await fileStore()).check()
}
