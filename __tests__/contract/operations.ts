import { apiTags } from '@/lib/openapi/registry'
import type { Operation } from '@/lib/platform/operation'
import { findOperation, part } from '../support/openapi-document'
import { signIn } from '../support/factories'
import { subjects, type SignedIn } from './resource-fixtures'

/** Every declared operation. */
export const operations = apiTags.flatMap((apiTag) => apiTag.operations)
const nameOf = ({ method, path }: Operation) => `${method} ${path}`

/** Operations with their names, for `describe.each`. */
export const byName = (list: readonly Operation[]) =>
  list.map((operation): [string, Operation] => [nameOf(operation), operation])

/** A path with its parameters filled in; 1 for those that are not given. */
export function fill(path: string, parameters: Record<string, string>): string {
  return path.replace(/\{(\w+)\}/g, (_whole, name: string) => parameters[name] ?? '1')
}

/** The operation's URL about something of this owner's, and the callers and the body that this something has of its own. */
export async function about(
  owner: SignedIn,
  { path, method }: Operation,
): Promise<{ url: string; callers: Record<string, string>; replacement: object | undefined }> {
  const subject = subjects[path]
  if (subject === undefined && !path.includes('{')) return { url: path, callers: {}, replacement: undefined }
  if (subject === undefined) throw new Error(`__tests__/contract/resource-fixtures.ts has no entry for ${path}`)
  const { parameters, callers = {} } = await subject.make(owner)
  const replacement = method === 'PUT' ? subject.replacement?.(owner) : undefined
  return { url: fill(path, parameters), callers, replacement }
}

/** A body that is in order, as the document shows it: what is refused is refused for the caller. */
export function bodyOf({ method, path }: Operation): unknown {
  const documented = findOperation(method, path)?.operation
  return part(documented, 'requestBody', 'content', 'application/json')['example']
}

/** Returns whether only admins may call the operation. */
export function isForAdmins({ access }: Operation): boolean {
  return access !== 'public' && access.role === 'admin'
}

/** Signs in a user who may call the operation for their own resources. */
export async function ownerFor(operation: Operation): Promise<SignedIn> {
  return signIn(isForAdmins(operation) ? { role: 'admin' } : {})
}
