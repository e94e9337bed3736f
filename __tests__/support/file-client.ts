import { createHash } from 'node:crypto'
import type { File } from '@/lib/domains/files/schema'
import { uniqueEmail, PASSWORD } from './factories'
import { queryOnce } from './postgres'
import type { RunningServer } from './server'
import { waitFor } from './wait'

type Given = { body?: BodyInit; headers?: Record<string, string> }

export type FileResponse = {
  status: number
  headers: Headers
  bytes: Buffer
  /** Parses the body as JSON. */
  json: () => { file: File; files: File[]; url: string; error: { code: string } } & File
}

/** A signed-in user of a running server. */
export type FileClient = {
  userId: number
  token: string
  authorization: { Authorization: string }
  send: (method: string, path: string, given?: Given) => Promise<FileResponse>
  /** Sends a request to a path below /api/files/me. */
  file: (method: string, path: string, given?: Given) => Promise<FileResponse>
}

export const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')

/** Registers a user. `server.url` is read for every request, since it changes when the server restarts. */
export async function createFileClient(server: Pick<RunningServer, 'url'>): Promise<FileClient> {
  const response = await fetch(`${server.url}/api/auth/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email: uniqueEmail(), password: PASSWORD }),
  })
  const { token, user }: { token: string; user: { id: number } } = JSON.parse(await response.text())
  const authorization = { Authorization: `Bearer ${token}` }
  const send: FileClient['send'] = async (method, path, { body, headers } = {}) => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { ...authorization, ...headers },
      ...(body !== undefined && { body }),
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    return { status: response.status, headers: response.headers, bytes, json: () => JSON.parse(bytes.toString()) }
  }
  return {
    ...{ userId: user.id, token, authorization, send },
    file: (method, path, given) => send(method, `/api/files/me/${path}`, given),
  }
}

/** Returns the storage keys that files refer to, and the number of orphaned objects. */
export async function fileKeysInDatabase(server: RunningServer): Promise<{ named: string[]; unreferenced: number }> {
  const [row] = await queryOnce<{ named: string[]; unreferenced: number }>(
    server.databaseUrl ?? '',
    `SELECT coalesce((SELECT array_agg(storage_key::text ORDER BY storage_key::text) FROM files), '{}') AS named,
            (SELECT count(*)::int FROM orphaned_objects) AS unreferenced`,
  )
  if (row === undefined) throw new Error('The database returned no row.')
  return row
}

/** Expires the leases of all writes, as five minutes without a renewal do, and waits for the clean-up job of the server. */
export async function runFileCleanup(server: RunningServer): Promise<void> {
  const url = server.databaseUrl ?? ''
  await queryOnce(url, `UPDATE orphaned_objects SET leased_until = now()`)
  await queryOnce(url, `SELECT graphile_worker.add_job('delete-unreferenced-files', '{}'::json)`)
  await waitFor('the clean-up', async () => (await fileKeysInDatabase(server)).unreferenced === 0)
}
