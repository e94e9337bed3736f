import { randomBytes } from 'node:crypto'
import type { File } from '@/lib/domains/files/schema'
import { api, type Answer } from './api'

/** A path that nobody else has. */
export function freshPath(name = 'a.txt'): string {
  return `${randomBytes(6).toString('hex')}/${name}`
}

/** The URL of a file of the caller's. */
export function mine(path: string): string {
  return `/api/files/me/${path.split('/').map(encodeURIComponent).join('/')}`
}

/** Stores a file of the caller's; what the server says of it. */
export async function storeFile(
  token: string,
  { path = freshPath(), body = 'hello', type = 'text/plain' } = {},
): Promise<File> {
  const answer = await api<File>('POST', mine(path), { token, body, headers: { 'Content-Type': type } })
  if (answer.status !== 201) throw new Error(`The file was not stored: ${answer.text}`)
  return answer.json
}

/** Makes a file of the caller's public. */
export async function publish(token: string, path: string): Promise<Answer<File>> {
  return api<File>('PATCH', mine(path), { token, json: { visibility: 'public' } })
}
