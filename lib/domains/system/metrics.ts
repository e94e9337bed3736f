import { passwordPoolStats } from '@/lib/platform/crypto/password'
import { registerGauge } from '@/lib/metrics'
import { processSingleton } from '@/lib/process-singleton'
import * as repository from './repository'

/** Registers the metrics whose values are read on each scrape, once per process. */
export const registerProcessMetrics = processSingleton('gauges', registerGauges)

function registerGauges(): true {
  const connections = (state: keyof ReturnType<typeof repository.poolStats>, help: string) =>
    registerGauge({
      name: `hearth_database_connections_${state}`,
      help,
      read: () => repository.poolStats()[state],
    })
  connections('open', 'Open database connections.')
  connections('idle', 'Idle database connections.')
  connections('awaited', 'Requests waiting for a database connection.')
  registerGauge({
    name: 'hearth_password_tasks_waiting',
    help: 'Passwords waiting for a hashing thread.',
    read: () => passwordPoolStats().waiting,
  })
  registerGauge({
    name: 'hearth_password_threads',
    help: 'Password hashing threads.',
    read: () => passwordPoolStats().threads,
  })
  // NaN while the database is unavailable, so that the other metrics are still reported.
  const jobs = (state: keyof Awaited<ReturnType<typeof repository.queueStats>>, help: string) =>
    registerGauge({
      name: `hearth_jobs_${state}`,
      help,
      isShared: true,
      read: async () => (await repository.queueStats().catch(() => undefined))?.[state] ?? Number.NaN,
    })
  jobs('waiting', 'Jobs in the queue that are due or scheduled.')
  jobs('failed', 'Jobs that failed permanently.')
  return true
}
