import { isUniqueViolation } from '@/lib/platform/db/errors'
import { AppError, serviceUnavailable } from '@/lib/errors'
import { textColumn, timestampColumn, uuidColumn } from '@/lib/platform/pagination/keyset'
import type { List } from '@/lib/platform/pagination/query'
import { prisma } from '@/lib/platform/db/prisma'
import { paginate } from '@/lib/platform/pagination/paginate'
import { inTransaction } from '@/lib/platform/db/transaction'
import { Prisma } from '@/prisma/generated/client'
import type { FileChanges, ListFilesQuery, Visibility } from './schema'

type Transaction = Prisma.TransactionClient

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

/** A file with what stays inside: where its bytes lie and how often it changed. */
export type StoredFile = Omit<Row, 'sizeBytes'> & { size: number }

/** Looks at the file as it is, or undefined, under the owner's lock, and throws to leave everything as it is. */
export type Guard = (current: StoredFile | undefined) => void

function toStoredFile({ sizeBytes, ...row }: Row): StoredFile {
  return { ...row, size: Number(sizeBytes) }
}

/** A write under way. `sizeBytes` is 0 while nobody knows. */
export type Write = { storageKey: string; ownerId: number; path: string; sizeBytes: number }

/** How long a write may go on without a sign of life. */
const LEASE_SECONDS = 300
/** How long a sweeper that died keeps others from a key. */
const CLAIM_SECONDS = 600

/**
 * Runs work on one owner's files while no one else changes any of them; `usedBytes` is what they hold together. The
 * owner's row comes first, as where a user is deleted, so that the two cannot wait for each other. NOT_FOUND when there
 * is no such user.
 */
async function withOwnerLocked<T>(
  ownerId: number,
  work: (transaction: Transaction, usedBytes: number) => Promise<T>,
): Promise<T> {
  return inTransaction(async (transaction) => {
    const [usage] = await transaction.$queryRaw<{ size_bytes: bigint }[]>`
      WITH owner AS (SELECT id FROM users WHERE id = ${ownerId} FOR KEY SHARE)
      INSERT INTO file_usage AS usage (owner_id, size_bytes) SELECT id, 0 FROM owner
      ON CONFLICT (owner_id) DO UPDATE SET size_bytes = usage.size_bytes
      RETURNING size_bytes`
    if (usage === undefined) throw new AppError('NOT_FOUND')
    return work(transaction, Number(usage.size_bytes))
  })
}

async function findAt(transaction: Transaction, ownerId: number, path: string): Promise<StoredFile | undefined> {
  const row = await transaction.storedFile.findUnique({ where: { ownerId_path: { ownerId, path } }, select: columns })
  return row === null ? undefined : toStoredFile(row)
}

/** What writes under way may still add to an owner's files, in bytes. */
async function reservedBytes(transaction: Transaction, ownerId: number, exceptKey: string): Promise<number> {
  const sum = await transaction.orphanedObject.aggregate({
    where: { ownerId, markedForDeletion: false, storageKey: { not: exceptKey } },
    _sum: { reservedBytes: true },
  })
  return Number(sum._sum.reservedBytes ?? 0)
}

/** The file at a path of an owner, or undefined. */
export async function findFile(ownerId: number, path: string): Promise<StoredFile | undefined> {
  return findAt(prisma(), ownerId, path)
}

function leaseEnd(): Date {
  return new Date(Date.now() + LEASE_SECONDS * 1000)
}

/**
 * Reserves room for a write: `neededBytes` now, up to `wantedBytes` as far as there is room. How many bytes it may have.
 * NOT_FOUND without such an owner, QUOTA_EXCEEDED.
 */
async function reserveRoom(
  { storageKey, ownerId, path }: Write,
  room: { neededBytes: number; wantedBytes: number; quotaBytes: number; begins: boolean },
): Promise<number> {
  const { neededBytes, wantedBytes, quotaBytes, begins } = room
  const [row] = await prisma().$queryRaw<{ granted: bigint | null }[]>`
    SELECT reserve_file_quota(${storageKey}::uuid, ${ownerId}, ${path}, ${neededBytes}::bigint, ${wantedBytes}::bigint,
      ${quotaBytes}::bigint, ${LEASE_SECONDS}, ${begins}) AS granted`
  if (row === undefined || row.granted === null) throw new AppError('NOT_FOUND')
  if (row.granted < 0) throw new AppError('QUOTA_EXCEEDED')
  return Number(row.granted)
}

/**
 * Writes a key down before its first byte, and reserves room for what it will add: a replaced file makes room for the
 * new one. What the guard throws, NOT_FOUND, QUOTA_EXCEEDED. The guard is asked without the lock: what it says now only
 * spares the client an upload that would be refused at its end.
 */
export async function beginInvalidation(write: Write, quotaBytes: number, guard: Guard): Promise<void> {
  const { ownerId, path, sizeBytes } = write
  guard(await findFile(ownerId, path))
  await reserveRoom(write, { neededBytes: sizeBytes, wantedBytes: sizeBytes, quotaBytes, begins: true })
}

/**
 * Reserves more for a write whose length nobody knew: what it needs now, and `aheadBytes` more as far as there is room,
 * so that the next chunks need not ask. How many bytes it may have now. QUOTA_EXCEEDED.
 */
export async function extendReservation(
  write: Write,
  room: { neededBytes: number; aheadBytes: number; quotaBytes: number },
): Promise<number> {
  const { neededBytes, aheadBytes, quotaBytes } = room
  return reserveRoom(write, { neededBytes, wantedBytes: neededBytes + aheadBytes, quotaBytes, begins: false })
}

/** A sign of life of a write: the sweeper leaves its key alone for another while. */
export async function renewLease(storageKey: string): Promise<void> {
  await prisma().orphanedObject.updateMany({
    where: { storageKey, markedForDeletion: false },
    data: { leasedUntil: leaseEnd() },
  })
}

export type Content = { size: number; sha256: string; mimeType: string; visibility: Visibility | undefined }

/**
 * Makes a finished write the file at its path, whole, in one transaction; `replaced` is the key of what was there. What
 * the guard throws, QUOTA_EXCEEDED, NOT_FOUND; SERVICE_UNAVAILABLE when the sweeper took the write for dead.
 */
export async function commitWrite(
  write: Write,
  content: Content,
  rules: { quotaBytes: number; guard: Guard },
): Promise<{ file: StoredFile; replaced: string | undefined }> {
  const { storageKey, ownerId, path } = write
  const { size, sha256, mimeType, visibility } = content
  return withOwnerLocked(ownerId, async (transaction, usedBytes) => {
    const kept = await transaction.orphanedObject.deleteMany({ where: { storageKey, markedForDeletion: false } })
    if (kept.count === 0) throw serviceUnavailable(new Error('The sweeper took the write for dead.'))
    const current = await findAt(transaction, ownerId, path)
    rules.guard(current)
    const usedAfter = usedBytes - (current?.size ?? 0) + size
    if (usedAfter + (await reservedBytes(transaction, ownerId, storageKey)) > rules.quotaBytes) {
      throw new AppError('QUOTA_EXCEEDED')
    }
    const data = {
      ...{ sizeBytes: size, sha256, mimeType, storageKey, updatedAt: new Date() },
      ...(visibility !== undefined && { visibility }),
    }
    const row = await (current === undefined
      ? transaction.storedFile.create({ data: { ...data, ownerId, path }, select: columns })
      : transaction.storedFile.update({
          where: { id: current.id },
          data: { ...data, revision: { increment: 1 } },
          select: columns,
        }))
    return { file: toStoredFile(row), replaced: current?.storageKey }
  })
}

/** Changes what is known of a file. What the guard throws, NOT_FOUND, FILE_EXISTS. */
export async function updateFile(
  ownerId: number,
  path: string,
  input: { changes: FileChanges; guard: Guard },
): Promise<StoredFile> {
  try {
    return await withOwnerLocked(ownerId, async (transaction) => {
      const current = await findAt(transaction, ownerId, path)
      if (current === undefined) throw new AppError('NOT_FOUND')
      input.guard(current)
      const data = { ...input.changes, revision: { increment: 1 }, updatedAt: new Date() }
      return toStoredFile(await transaction.storedFile.update({ where: { id: current.id }, data, select: columns }))
    })
  } catch (error) {
    if (isUniqueViolation(error)) throw new AppError('FILE_EXISTS', { cause: error })
    throw error
  }
}

/** Removes a file; a trigger writes its key down for removal. The key. What the guard throws, NOT_FOUND. */
export async function deleteFile(ownerId: number, path: string, guard: Guard): Promise<string> {
  return withOwnerLocked(ownerId, async (transaction) => {
    const current = await findAt(transaction, ownerId, path)
    if (current === undefined) throw new AppError('NOT_FOUND')
    guard(current)
    await transaction.storedFile.delete({ where: { id: current.id }, select: { id: true } })
    return current.storageKey
  })
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
  // Among the files of one owner.
  unique: ['path'],
  order: [{ field: 'path', direction: 'asc' }],
} as const

const LAST_CHARACTER = '\u{10FFFF}'
const SURROGATES = { first: 0xd800, length: 0x800 }

/** The first text, by code point, after all that begin with a prefix; undefined where there is none. */
function endOfPrefix(prefix: string): string | undefined {
  const characters = [...prefix]
  while (characters.at(-1) === LAST_CHARACTER) characters.pop()
  const last = characters.pop()?.codePointAt(0)
  if (last === undefined) return undefined
  const next = last + 1 === SURROGATES.first ? SURROGATES.first + SURROGATES.length : last + 1
  return characters.join('') + String.fromCodePoint(next)
}

/** Part of an owner's files, by path unless the query says otherwise. */
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
 * Gives a write up for good; whether its bytes are to be removed. They are not where it became a file, which a lost answer
 * to the commit can hide. They are where the sweeper has struck the key out: bytes may have come after it.
 */
export async function markForDeletion(storageKey: string): Promise<boolean> {
  const { count } = await prisma().orphanedObject.updateMany({
    where: { storageKey },
    data: { markedForDeletion: true },
  })
  return count > 0 || (await prisma().storedFile.count({ where: { storageKey } })) === 0
}

/** Claims keys that no file names and no write keeps alive. Several sweepers get different ones. */
export async function claimUnreferenced(limit: number): Promise<string[]> {
  const rows = await prisma().$queryRaw<{ storage_key: string }[]>`
    UPDATE orphaned_objects SET marked_for_deletion = true, leased_until = now() + make_interval(secs => ${CLAIM_SECONDS})
    WHERE storage_key IN (
      SELECT storage_key FROM orphaned_objects WHERE leased_until <= now()
      ORDER BY leased_until LIMIT ${limit} FOR UPDATE SKIP LOCKED
    )
    RETURNING storage_key`
  return rows.map((row) => row.storage_key)
}

/** Strikes keys out whose bytes are gone. */
export async function deleteUnreferencedKeys(storageKeys: string[]): Promise<void> {
  await prisma().orphanedObject.deleteMany({ where: { storageKey: { in: storageKeys }, markedForDeletion: true } })
}
