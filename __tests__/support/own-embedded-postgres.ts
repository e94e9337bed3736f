import { startEmbeddedPostgres } from '../../lib/embedded-postgres/embedded-postgres'

// A server in small: it owns a database until it is killed. Its first line is the URL, or why there is none.
const [dataDir = ''] = process.argv.slice(2)

startEmbeddedPostgres({ dataDir, database: 'hearth' }).then(
  ({ url }) => console.log(url),
  (error: unknown) => console.log(String(error)),
)
