import { ColumnTypeEnum } from '@prisma/driver-adapter-utils'
import type { SqlDriverAdapter, SqlMigrationAwareDriverAdapterFactory, SqlQuery } from '@prisma/driver-adapter-utils'

const refuse = (): Promise<never> => Promise.reject(new Error('No database is configured: set DATABASE_URL'))

/** The engine greets every database with one question, about the schema and the server's version. */
const greet = async ({ sql }: SqlQuery): ReturnType<SqlDriverAdapter['queryRaw']> =>
  sql.includes('server_version_num')
    ? {
        columnNames: ['exists', 'version', 'numeric_version'],
        columnTypes: [ColumnTypeEnum.Boolean, ColumnTypeEnum.Text, ColumnTypeEnum.Int32],
        rows: [[true, 'PostgreSQL 18.0', 180000]],
      }
    : refuse()

/** Stands in for a database where none is configured: two schema files can be compared without one. */
export const createOfflineFactory = (): SqlMigrationAwareDriverAdapterFactory => {
  const identity = { provider: 'postgres', adapterName: 'offline' } as const
  const adapter: SqlDriverAdapter = {
    ...identity,
    queryRaw: greet,
    executeRaw: refuse,
    executeScript: refuse,
    startTransaction: refuse,
    getConnectionInfo: () => ({ schemaName: 'public', supportsRelationJoins: true }),
    dispose: () => Promise.resolve(),
  }
  return { ...identity, connect: () => Promise.resolve(adapter), connectToShadowDb: refuse }
}
