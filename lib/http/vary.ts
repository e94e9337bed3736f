import type { ServerResponse } from 'node:http'

/** Adds the name of a request header that the response depends on to `Vary`. */
export function addVary(res: ServerResponse, name: string): void {
  const names = String(res.getHeader('Vary') ?? '')
    .split(', ')
    .filter((known) => known !== '')
  if (!names.includes(name)) res.setHeader('Vary', [...names, name].join(', '))
}
