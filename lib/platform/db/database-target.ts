import type { ClientConfig } from 'pg'
import {
  clientSettings,
  parseDatabaseUrl,
  triesTlsFirst,
  type DatabaseHost,
  type DatabaseUrl,
} from '@/lib/database-url'
import { config } from '@/lib/config'
import { processSingleton } from '@/lib/process-singleton'
import { isServerUnavailable } from './errors'

const NO_TLS = /does not support SSL connections|SSL connection/i
/** "no pg_hba.conf entry for host …, no encryption". */
const TLS_REQUIRED = /no encryption|SSL off|requires? (SSL|TLS)/i

/** Where one attempt to connect leads. */
export type Attempt = { settings: ClientConfig; host: DatabaseHost; tls: boolean }

/** Thrown for a standby or a read-only server where `target_session_attrs` asks for another. */
export class ReadOnlyServerError extends Error {
  /** PostgreSQL's code for a read-only transaction. */
  readonly code = '25006'
}

/**
 * The servers of a connection URL. Remembers which of them accepted the last connection and whether it has TLS, for all
 * pools of the process.
 */
export class DatabaseTarget {
  readonly url: DatabaseUrl
  private at = 0
  private readonly tls: Map<DatabaseHost, boolean> = new Map()

  constructor(url: string) {
    this.url = parseDatabaseUrl(url)
  }

  /** The largest number of attempts that can succeed after one another. */
  get attemptsMax(): number {
    const { sslMode, hosts } = this.url
    return hosts.length * (sslMode === 'prefer' || sslMode === 'allow' ? 2 : 1)
  }

  get requiresReadWrite(): boolean {
    return this.url.targetSessionAttrs === 'read-write'
  }

  /** Returns how to connect next. */
  next(): Attempt {
    const { hosts } = this.url
    const host = hosts[this.at] ?? hosts[0]
    const tls = this.tls.get(host) ?? triesTlsFirst(this.url)
    return { host, tls, settings: clientSettings(this.url, host, { tls, caFile: config().databaseCaFile }) }
  }

  /** Notes that an attempt failed. Returns whether the next one is a different one and may succeed. */
  noteFailure({ host, tls }: Attempt, error: unknown): boolean {
    const message = error instanceof Error ? error.message : ''
    const { sslMode, hosts } = this.url
    const hasNoTls = tls && sslMode === 'prefer' && NO_TLS.test(message)
    const requiresTls = !tls && sslMode === 'allow' && TLS_REQUIRED.test(message)
    if (hasNoTls || requiresTls) {
      this.tls.set(host, !tls)
      return true
    }
    if (hosts.length === 1 || !(error instanceof ReadOnlyServerError || isServerUnavailable(error))) return false
    // Another attempt may have moved on already.
    if (hosts[this.at] === host) this.at = (this.at + 1) % hosts.length
    return true
  }
}

const targets = processSingleton('database-targets', () => new Map<string, DatabaseTarget>())

/** Returns the servers of a connection URL. */
export function databaseTarget(url: string): DatabaseTarget {
  const existing = targets().get(url)
  if (existing !== undefined) return existing
  const target = new DatabaseTarget(url)
  targets().set(url, target)
  return target
}
