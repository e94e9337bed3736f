import { startEmbeddedPostgres } from '../../lib/embedded-postgres/embedded-postgres'

// Owns an embedded database until it is killed. Prints the database URL or the error.
const [dataDir = ''] = process.argv.slice(2)

startEmbeddedPostgres({ dataDir, database: 'hearth' }).then(
  ({ url }) => console.log(url),
  (error: unknown) => console.log(String(error)),
)
