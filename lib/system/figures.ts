import { passwordPoolFigures } from '@/lib/auth/password'
import { observeFigure, renderMetrics } from '@/lib/metrics'
import * as repository from './repository'

declare global {
  var hearthFiguresAreObserved: boolean | undefined
}

/** What is read only when somebody asks for it. */
function observeFigures(): void {
  if (globalThis.hearthFiguresAreObserved === true) return
  globalThis.hearthFiguresAreObserved = true
  const connections = (state: keyof ReturnType<typeof repository.connectionFigures>, help: string) =>
    observeFigure({
      name: `hearth_database_connections_${state}`,
      help,
      read: () => repository.connectionFigures()[state],
    })
  connections('open', 'Connections to the database.')
  connections('idle', 'Connections to the database that nobody uses at the moment.')
  connections('awaited', 'Requests that wait for a connection to the database.')
  observeFigure({
    name: 'hearth_password_tasks_waiting',
    help: 'Passwords that wait for a hashing thread.',
    read: () => passwordPoolFigures().waiting,
  })
  observeFigure({
    name: 'hearth_password_threads',
    help: 'Threads that hash passwords.',
    read: () => passwordPoolFigures().threads,
  })
  // Not a number while the database is away: the other figures are wanted then more than ever.
  const jobs = (state: keyof Awaited<ReturnType<typeof repository.jobFigures>>, help: string) =>
    observeFigure({
      name: `hearth_jobs_${state}`,
      help,
      read: async () => (await repository.jobFigures().catch(() => undefined))?.[state] ?? Number.NaN,
    })
  jobs('waiting', 'Jobs in the queue that are due or will be.')
  jobs('failed', 'Jobs that were tried for the last time and failed.')
}

/** The figures of the process in Prometheus' text format. */
export async function processFigures(): Promise<{ contentType: string; text: string }> {
  observeFigures()
  return renderMetrics()
}
