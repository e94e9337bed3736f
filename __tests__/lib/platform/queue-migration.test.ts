import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

describe('the migration that installs the job queue', () => {
  it('contains every migration of the installed graphile-worker; write another one after an update of the package', () => {
    const written = readdirSync(join('prisma', 'migrations'))
      .filter((name) => name.endsWith('_queue'))
      .map((name) => readFileSync(join('prisma', 'migrations', name, 'migration.sql'), 'utf8'))
      .join('\n')
    const sql = join('node_modules', 'graphile-worker', 'sql')
    const missing = readdirSync(sql).filter((name) => {
      const text = readFileSync(join(sql, name), 'utf8').replace(/:GRAPHILE_WORKER_SCHEMA\b/g, 'graphile_worker')
      return !written.includes(text.trim())
    })
    expect(missing).toEqual([])
  })
})
