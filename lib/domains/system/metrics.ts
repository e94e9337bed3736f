import { passwordPoolStats } from '@/lib/platform/crypto/password'
import { registerGauge, renderMetrics } from '@/lib/metrics'
import { processSingleton } from '@/lib/process-singleton'
import * as repository from './repository'

const gauges = processSingleton('gauges', registerGauges)

/** Registers the metrics that are read when they are scraped. */
function registerGauges(): true {
  const connections = (state: keyof ReturnType<typeof repository.poolStats>, help: string) =>
    registerGauge({
      name: `hearth_database_connections_${state}`,
      help,
      read: () => repository.poolStats()[state],
    })
  connections('open', 'Connections to the database.')
  connections('idle', 'Connections to the database that nobody uses at the moment.')
  connections('awaited', 'Requests that wait for a connection to the database.')
  registerGauge({
    name: 'hearth_password_tasks_waiting',
    help: 'Passwords that wait for a hashing thread.',
    read: () => passwordPoolStats().waiting,
  })
  registerGauge({
    name: 'hearth_password_threads',
    help: 'Threads that hash passwords.',
    read: () => passwordPoolStats().threads,
  })
  // Not a number while the database is away: the other figures are wanted then more than ever.
  const jobs = (state: keyof Awaited<ReturnType<typeof repository.queueStats>>, help: string) =>
    registerGauge({
      name: `hearth_jobs_${state}`,
      help,
      read: async () => (await repository.queueStats().catch(() => undefined))?.[state] ?? Number.NaN,
    })
  jobs('waiting', 'Jobs in the queue that are due or will be.')
  jobs('failed', 'Jobs that were tried for the last time and failed.')
  return true
}

/** The figures of the process in Prometheus' text format. */
export async function renderProcessMetrics(): Promise<{ contentType: string; text: string }> {
  gauges()
  return renderMetrics()
}
