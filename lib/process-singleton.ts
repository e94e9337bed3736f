export type ProcessSingleton<T> = {
  /** Returns the value, creating it first if there is none. */
  (): T
  /** Returns the value without creating it. */
  current: () => T | undefined
  /** Replaces the value; with `undefined` the next call creates a new one. */
  replace: (value: T | undefined) => void
}

/**
 * Declares a value of which the whole process has one, such as a connection pool, created by the first caller.
 *
 * One process loads two copies of lib/: the HTTP server runs the source files, and the routes that it serves were
 * compiled by Next.js together with a copy of every module that they import; in development each reload adds another. A
 * variable of a module exists once per copy, which would mean two pools, two caches and two rate limits. So the value is
 * stored on `globalThis`, under a symbol that is the same in all copies. `name` must be unique within Hearth.
 */
export function processSingleton<T>(name: string, create: () => T): ProcessSingleton<T> {
  const key = Symbol.for(`hearth.${name}`)
  const current = (): T | undefined => Reflect.get(globalThis, key)
  const replace = (value: T | undefined): void => void Reflect.set(globalThis, key, value)
  const get = (): T => {
    const existing = current()
    if (existing !== undefined) return existing
    const created = create()
    replace(created)
    return created
  }
  return Object.assign(get, { current, replace })
}
