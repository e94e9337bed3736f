const NAME_MAX_LENGTH = 60

/** Returns rows for `it.each` that begin with a short name: the start of the first value as JSON. */
export function withNames<Row extends readonly [unknown, ...unknown[]]>(rows: readonly Row[]): [string, ...Row][] {
  return rows.map((row) => [JSON.stringify(row[0]).slice(0, NAME_MAX_LENGTH), ...row])
}
