import { isUniqueViolation } from '@/lib/platform/db/errors'
import { AppError } from '@/lib/errors'
import { textColumn, timestampColumn, uuidColumn } from '@/lib/platform/pagination/keyset'
import type { List } from '@/lib/platform/pagination/query'
import { prisma } from '@/lib/platform/db/prisma'
import { paginate } from '@/lib/platform/pagination/paginate'
import { Prisma } from '@/prisma/generated/client'
import type { FileChanges, ListFilesQuery, Visibility } from './schema'

const columns = {
  id: true,
  path: true,
  ownerId: true,
  sizeBytes: true,
  mimeType: true,
  sha256: true,
  visibility: true,
  storageKey: true,
  revision: true,
  createdAt: true,
  updatedAt: true,
} satisfies Prisma.StoredFileSelect

type Row = Prisma.StoredFileGetPayload<{ select: typeof columns }>

/** A file including internal fields: storage key and revision. */
export type StoredFile = Omit<Row, 'sizeBytes'> & { size: number }

function toStoredFile({ sizeBytes, ...row }: Row): StoredFile {
  return { ...row, size: Number(sizeBytes) }
}

/** An upload in progress. `sizeBytes` is 0 while its length is unknown. */
export type PendingUpload = { storageKey: string; ownerId: number; path: string; sizeBytes: number }

/** Uploads without a sign of life for this long are cleaned up. */
const LEASE_SECONDS = 300
/** A claimed key is claimed again if the clean-up job that claimed it crashed. */
const CLAIM_SECONDS = 600

/**
 * Locks the files of an owner until the transaction ends. Locks the user before the usage row, in the same order as the
 * deletion of a user, to prevent a deadlock. Returns the bytes that the files use; undefined if there is no such user.
 */
export async function lockUsage(ownerId: number): Promise<number | undefined> {
  const [usage] = await prisma().$queryRaw<{ size_bytes: bigint }[]>`
    WITH owner AS (SELECT id FROM users WHERE id = ${ownerId} FOR KEY SHARE)
    INSERT INTO file_usage AS usage (owner_id, size_bytes) SELECT id, 0 FROM owner
    ON CONFLICT (owner_id) DO UPDATE SET size_bytes = usage.size_bytes
    RETURNING size_bytes`
  return usage && Number(usage.size_bytes)
}

/** Returns the bytes that an owner's other uploads in progress may still add. */
export async function sumReservedBytes(ownerId: number, exceptKey: string): Promise<number> {
  const sum = await prisma().orphanedObject.aggregate({
    where: { ownerId, markedForDeletion: false, storageKey: { not: exceptKey } },
    _sum: { reservedBytes: true },
  })
  return Number(sum._sum.reservedBytes ?? 0)
}

/** Counts the files of an owner, who is locked with `lockUsage`. */
export async function countFiles(ownerId: number): Promise<number> {
  return prisma().storedFile.count({ where: { ownerId } })
}

/** Finds the file at a path of an owner. */
export async function findFile(ownerId: number, path: string): Promise<StoredFile | undefined> {
  const row = await prisma().storedFile.findUnique({ where: { ownerId_path: { ownerId, path } }, select: columns })
  return row === null ? undefined : toStoredFile(row)
}

/** Bounds of what is stored: per owner, of all owners together, and by the space that the disk has left. */
export type StorageLimits = { quotaBytes: number; filesMax: number; totalBytes: number; diskBytes: number | null }

/** Why nothing was reserved, by the result of `reserve_file_quota`. */
const REJECTIONS = { '-1': 'no-quota', '-2': 'too-many-files', '-3': 'no-total', '-4': 'disk-full' } as const
type Rejection = 'no-owner' | (typeof REJECTIONS)[keyof typeof REJECTIONS]

function rejectionOf(result: bigint | null): Rejection | undefined {
  if (result === null) return 'no-owner'
  const key = String(result)
  return key === '-1' || key === '-2' || key === '-3' || key === '-4' ? REJECTIONS[key] : undefined
}

/**
 * Reserves quota for an upload and renews its lease: `neededBytes`, and up to `wantedBytes` if available. `isNew` stores
 * the upload's key, so that the clean-up job finds its bytes. Returns the number of bytes granted, or why nothing was
 * reserved.
 */
export async function reserveQuota(
  { storageKey, ownerId, path }: PendingUpload,
  request: { neededBytes: number; wantedBytes: number; limits: StorageLimits; isNew: boolean },
): Promise<number | Rejection> {
  const { neededBytes, wantedBytes, isNew } = request
  const { quotaBytes, filesMax, totalBytes, diskBytes } = request.limits
  const [row] = await prisma().$queryRaw<{ granted: bigint | null }[]>`
    SELECT reserve_file_quota(${storageKey}::uuid, ${ownerId}, ${path}, ${neededBytes}::bigint, ${wantedBytes}::bigint,
      ${quotaBytes}::bigint, ${filesMax}::bigint, ${totalBytes}::bigint, ${diskBytes}::bigint, ${LEASE_SECONDS},
      ${isNew}) AS granted`
  const granted = row?.granted ?? null
  return rejectionOf(granted) ?? Number(granted)
}

/** Extends the upload's lease so the clean-up job does not delete its bytes. */
export async function renewLease(storageKey: string): Promise<void> {
  await prisma().orphanedObject.updateMany({
    where: { storageKey, markedForDeletion: false },
    data: { leasedUntil: new Date(Date.now() + LEASE_SECONDS * 1000) },
  })
}

/** Deletes an upload's reservation. Returns false if the clean-up job has claimed its bytes. */
export async function deleteReservation(storageKey: string): Promise<boolean> {
  const { count } = await prisma().orphanedObject.deleteMany({ where: { storageKey, markedForDeletion: false } })
  return count > 0
}

export type Content = {
  storageKey: string
  size: number
  sha256: string
  mimeType: string
  visibility: Visibility | undefined
}

/** Creates the file at a path, or replaces the content of `current`. The caller has called `lockUsage`. */
export async function saveFile(
  { ownerId, path }: Pick<StoredFile, 'ownerId' | 'path'>,
  { size, visibility, ...content }: Content,
  current: StoredFile | undefined,
): Promise<StoredFile> {
  const updatedAt = new Date()
  const data = { ...content, sizeBytes: size, updatedAt, ...(visibility !== undefined && { visibility }) }
  const row = await (current === undefined
    ? prisma().storedFile.create({ data: { ...data, createdAt: updatedAt, ownerId, path }, select: columns })
    : prisma().storedFile.update({
        where: { id: current.id },
        data: { ...data, revision: { increment: 1 } },
        select: columns,
      }))
  return toStoredFile(row)
}

/**
 * Changes the path or visibility of a file.
 *
 * @throws FILE_EXISTS when the new path is taken
 */
export async function updateFile(id: string, changes: FileChanges): Promise<StoredFile> {
  try {
    const data = { ...changes, revision: { increment: 1 }, updatedAt: new Date() }
    return toStoredFile(await prisma().storedFile.update({ where: { id }, data, select: columns }))
  } catch (error) {
    if (isUniqueViolation(error)) throw new AppError('FILE_EXISTS', { cause: error })
    throw error
  }
}

/** Deletes a file; a trigger marks its bytes for deletion. */
export async function deleteFile(id: string): Promise<void> {
  await prisma().storedFile.delete({ where: { id }, select: { id: true } })
}

const fileList = {
  name: 'files',
  from: Prisma.sql`"files"`,
  id: uuidColumn('"id"'),
  fields: {
    path: textColumn('"path"'),
    createdAt: timestampColumn('"created_at"'),
    updatedAt: timestampColumn('"updated_at"'),
  },
  // Unique per owner.
  unique: ['path'],
  order: [{ field: 'path', direction: 'asc' }],
} as const

const LAST_CHARACTER = '\u{10FFFF}'
const SURROGATES = { first: 0xd800, length: 0x800 }

/** Returns the first text, by code point, after all texts with a prefix; undefined if there is none. */
function endOfPrefix(prefix: string): string | undefined {
  const characters = [...prefix]
  while (characters.at(-1) === LAST_CHARACTER) characters.pop()
  const last = characters.pop()?.codePointAt(0)
  if (last === undefined) return undefined
  const next = last + 1 === SURROGATES.first ? SURROGATES.first + SURROGATES.length : last + 1
  return characters.join('') + String.fromCodePoint(next)
}

/** Lists one page of an owner's files, sorted by path by default. */
export async function listFiles(ownerId: number, query: ListFilesQuery): Promise<List<StoredFile>> {
  const where = [Prisma.sql`"owner_id" = ${ownerId}`]
  const { prefix } = query
  if (prefix !== undefined) {
    where.push(Prisma.sql`"path" >= ${prefix}`)
    const end = endOfPrefix(prefix)
    if (end !== undefined) where.push(Prisma.sql`"path" < ${end}`)
  }
  return paginate(fileList, query, {
    where,
    rows: async (ids) => {
      const rows = await prisma().storedFile.findMany({ where: { id: { in: ids } }, select: columns })
      return rows.map(toStoredFile)
    },
    getId: (file) => file.id,
  })
}

/**
 * Marks an upload as abandoned. Returns whether its bytes should be deleted: false if it became a file after all, because
 * a lost connection can hide that a commit succeeded; true also if the clean-up job deleted the key, because bytes may
 * have been written after it.
 */
export async function markForDeletion(storageKey: string): Promise<boolean> {
  const { count } = await prisma().orphanedObject.updateMany({
    where: { storageKey },
    data: { markedForDeletion: true },
  })
  return count > 0 || (await prisma().storedFile.count({ where: { storageKey } })) === 0
}

/** Claims up to `limit` keys whose lease has expired, for this clean-up job only. They can no longer become files. */
export async function claimOrphanedObjects(limit: number): Promise<string[]> {
  const rows = await prisma().$queryRaw<{ storage_key: string }[]>`
    UPDATE orphaned_objects SET marked_for_deletion = true, leased_until = now() + make_interval(secs => ${CLAIM_SECONDS})
    WHERE storage_key IN (
      SELECT storage_key FROM orphaned_objects WHERE leased_until <= now()
      ORDER BY leased_until LIMIT ${limit} FOR UPDATE SKIP LOCKED
    )
    RETURNING storage_key`
  return rows.map((row) => row.storage_key)
}

/** Deletes the keys of objects whose bytes are deleted. */
export async function deleteOrphanedObjects(storageKeys: string[]): Promise<void> {
  await prisma().orphanedObject.deleteMany({ where: { storageKey: { in: storageKeys }, markedForDeletion: true } })
}
