import { ColumnTypeEnum } from '@prisma/driver-adapter-utils'
import type { SqlQueryable, SqlResultSet } from '@prisma/driver-adapter-utils'

// PostgreSQL's catalogs are full of its one-byte type "char", for which the adapter has no column type and of which
// the engine expects a character. The adapter is told of a text column, whose name carries a mark it passes through;
// what comes out of the adapter is then put right. No name in PostgreSQL contains a zero byte.
const CHAR_OID = 18
const TEXT_OID = 25
const MARK = '\u0000"char"'

const isCharColumn = (column: unknown): column is { name: string; dataTypeID: number } =>
  typeof column === 'object' &&
  column !== null &&
  'dataTypeID' in column &&
  column.dataTypeID === CHAR_OID &&
  'name' in column &&
  typeof column.name === 'string'

/** Marks the `"char"` columns of a row description as it arrives from the server. */
export const markCharColumns = (description: unknown): void => {
  if (typeof description !== 'object' || description === null || !('fields' in description)) return
  if (!Array.isArray(description.fields)) return
  for (const column of description.fields.filter(isCharColumn)) {
    column.dataTypeID = TEXT_OID
    column.name += MARK
  }
}

const unmark = ({ columnNames, columnTypes, ...result }: SqlResultSet): SqlResultSet => ({
  ...result,
  columnTypes: columnTypes.map((type, at) => (columnNames[at]?.endsWith(MARK) ? ColumnTypeEnum.Character : type)),
  columnNames: columnNames.map((name) => (name.endsWith(MARK) ? name.slice(0, -MARK.length) : name)),
})

/** Has a connection or transaction of the adapter report marked columns as characters. */
export const withCharColumns = <T extends SqlQueryable>(queryable: T): T => {
  const queryRaw = queryable.queryRaw.bind(queryable)
  return Object.assign(queryable, {
    queryRaw: async (query: Parameters<typeof queryRaw>[0]) => unmark(await queryRaw(query)),
  })
}
