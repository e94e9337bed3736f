import { config } from '@/lib/config'
import { migrateQueue } from '@/lib/platform/queue/migrate'
import { pendingMigrations } from '@/lib/domains/system/repository'
import { runPrisma } from './run-node-script'

/**
 * Applies what migrations are missing, then those of the job queue. Each holds an advisory lock meanwhile, so that
 * servers and workers may start together.
 */
export async function migrate(projectDir: string, print: (line: string) => void): Promise<void> {
  const { databaseUrl } = config()
  // Where this cannot be told, not even the database may be there yet: Prisma makes it, or says what is wrong.
  const pending = await pendingMigrations().catch(() => undefined)
  if (pending?.length !== 0) {
    print('Applying the migrations …')
    await runPrisma(projectDir, ['migrate', 'deploy'], databaseUrl)
  }
  if (databaseUrl !== undefined) await migrateQueue(databaseUrl)
}
