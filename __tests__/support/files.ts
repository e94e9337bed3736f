import { randomBytes } from 'node:crypto'
import type { File } from '@/lib/domains/files/schema'
import { api, type ApiResponse } from './api'

/** Returns a unique path. */
export function uniquePath(name = 'a.txt'): string {
  return `${randomBytes(6).toString('hex')}/${name}`
}

/** Returns the URL of a file of the caller. */
export function fileUrl(path: string): string {
  return `/api/files/me/${path.split('/').map(encodeURIComponent).join('/')}`
}

/** Stores a file of the caller. */
export async function storeFile(
  token: string,
  { path = uniquePath(), body = 'hello', type = 'text/plain' } = {},
): Promise<File> {
  const response = await api<File>('POST', fileUrl(path), { token, body, headers: { 'Content-Type': type } })
  if (response.status !== 201) throw new Error(`The file was not stored: ${response.text}`)
  return response.json
}

/** Makes a file of the caller public. */
export async function publish(token: string, path: string): Promise<ApiResponse<File>> {
  return api<File>('PATCH', fileUrl(path), { token, json: { visibility: 'public' } })
}
