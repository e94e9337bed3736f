const NAME_MAX_LENGTH = 100

/** Returns rows for `it.each` that begin with a name: the first value as JSON, with repeated characters abbreviated. */
export function withNames<Row extends readonly [unknown, ...unknown[]]>(rows: readonly Row[]): [string, ...Row][] {
  return rows.map((row) => [nameOf(row[0]), ...row])
}

function nameOf(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll(/(.)\1{9,}/g, '$1…')
    .slice(0, NAME_MAX_LENGTH)
}
