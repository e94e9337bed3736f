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
  /** The body, where it is JSON. */
  json: () => { file: File; files: File[]; url: string; error: { code: string } } & File
}

/** Somebody with an account, and how they send requests to a running server. */
export type FileClient = {
  userId: number
  token: string
  authorization: { Authorization: string }
  send: (method: string, path: string, given?: Given) => Promise<FileResponse>
  /** The same below their own files. */
  file: (method: string, path: string, given?: Given) => Promise<FileResponse>
}

export const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')

/** A new account at a server, which may move. */
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

/** What the database says of files: the keys that files name, and how many that none does. */
export async function fileKeysInDatabase(server: RunningServer): Promise<{ named: string[]; unreferenced: number }> {
  const [row] = await queryOnce<{ named: string[]; unreferenced: number }>(
    server.databaseUrl ?? '',
    `SELECT coalesce((SELECT array_agg(storage_key::text ORDER BY storage_key::text) FROM files), '{}') AS named,
            (SELECT count(*)::int FROM orphaned_objects) AS unreferenced`,
  )
  if (row === undefined) throw new Error('The database says nothing.')
  return row
}

/** Lets the leases of all writes be over, as after five minutes without a sign of life, and has the server's worker sweep. */
export async function runFileCleanup(server: RunningServer): Promise<void> {
  const url = server.databaseUrl ?? ''
  await queryOnce(url, `UPDATE orphaned_objects SET leased_until = now()`)
  await queryOnce(url, `SELECT graphile_worker.add_job('delete-unreferenced-files', '{}'::json)`)
  await waitFor('the sweep', async () => (await fileKeysInDatabase(server)).unreferenced === 0)
}
