import { apiTags } from '@/lib/openapi/registry'
import type { Operation } from '@/lib/platform/operation'
import { findOperation, part } from '../support/openapi-document'
import { signIn } from '../support/factories'
import { resourceFixtures, type SignedIn } from './resource-fixtures'

/** All declared operations. */
export const operations = apiTags.flatMap((apiTag) => apiTag.operations)
const nameOf = ({ method, path }: Operation) => `${method} ${path}`

/** Returns operations with their names, for `describe.each`. */
export const byName = (list: readonly Operation[]) =>
  list.map((operation): [string, Operation] => [nameOf(operation), operation])

/** Returns a path with its parameters filled in; 1 for those that are not given. */
export function fill(path: string, parameters: Record<string, string>): string {
  return path.replace(/\{(\w+)\}/g, (_whole, name: string) => parameters[name] ?? '1')
}

/** Creates the resource of an operation for this owner. Returns its URL, and its own callers and body. */
export async function createResource(
  owner: SignedIn,
  { path, method }: Operation,
): Promise<{ url: string; callers: Record<string, string>; replacement: object | undefined }> {
  const fixture = resourceFixtures[path]
  if (fixture === undefined && !path.includes('{')) return { url: path, callers: {}, replacement: undefined }
  if (fixture === undefined) throw new Error(`__tests__/contract/resource-fixtures.ts has no entry for ${path}`)
  const { parameters, callers = {} } = await fixture.create(owner)
  const replacement = method === 'PUT' ? fixture.replacement?.(owner) : undefined
  return { url: fill(path, parameters), callers, replacement }
}

/** Returns the example in the document, which is a valid body. */
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
