/**
 * For `.catch()` of a file operation: the given value where the file is missing; any other error stays one.
 */
export function defaultIfMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (hasCode(error, 'ENOENT')) return value
    throw error
  }
}

/** Whether an error of the operating system is this one, such as `EEXIST`. */
export function hasCode(error: unknown, code: string): boolean {
  // Not `instanceof Error`: under Jest, Node's own errors are of another realm's class.
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code
}
