/** Returns a `.catch()` handler that replaces the error of a missing file with a value and rethrows others. */
export function defaultIfMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (hasCode(error, 'ENOENT')) return value
    throw error
  }
}

/** Returns whether an error of the operating system has this code, such as `EEXIST`. */
export function hasCode(error: unknown, code: string): boolean {
  // Not `instanceof Error`: under Jest, Node's own errors belong to another realm.
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code
}
