import { join } from 'node:path'
import type { Config } from '@/lib/config'
import type { EmbeddedPostgresOptions } from '@/lib/embedded-postgres/embedded-postgres'

/** Returns the folder and the name of the embedded database. */
export function embeddedOptions({ dataDir }: Config): EmbeddedPostgresOptions {
  return { dataDir: join(dataDir, 'postgres'), database: 'hearth' }
}
