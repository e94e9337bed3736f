import { readFileSync } from 'node:fs'
import type { ClientConfig } from 'pg'

const PORT = 5432
const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'] as const
type SslMode = (typeof SSL_MODES)[number]

/** A server of a connection URL; a `host` that begins with a slash is the directory of a Unix socket. */
export type DatabaseHost = { host: string; port: number }

/** A parsed connection URL, with libpq's parameters as far as they apply. */
export type DatabaseUrl = {
  /** At least one, in the order in which they are tried. */
  hosts: readonly [DatabaseHost, ...DatabaseHost[]]
  database: string
  user: string
  password: string | undefined
  sslMode: SslMode
  /** `read-write`: a standby and a read-only server are skipped. */
  targetSessionAttrs: 'any' | 'read-write'
  /** Undefined where the URL does not set it. */
  connectTimeoutMs: number | undefined
  /** Paths of PEM files. */
  certificates: { ca: string | undefined; cert: string | undefined; key: string | undefined }
  /** Further settings of `pg`. */
  settings: ClientConfig
}

const URL_FORM =
  /^postgres(?:ql)?:\/\/(?:(?<user>[^:@/?#]*)(?::(?<password>[^@/?#]*))?@)?(?<hosts>[^/?#]*)(?:\/(?<database>[^?#]*))?(?:\?(?<query>[^#]*))?$/i

function toHost(given: string, fallbackPort: string | undefined): DatabaseHost {
  const [, bracketed, plain, own] = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(\d+))?$/.exec(given) ?? []
  const host = bracketed ?? plain
  if (host === undefined) throw new Error(`has an invalid host: ${given}`)
  const port = Number(own ?? (fallbackPort || PORT))
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`has an invalid port: ${port}`)
  return { host: decodeURIComponent(host) || 'localhost', port }
}

function oneOf<const W extends string>(name: string, value: string | null, words: readonly W[]): W | undefined {
  if (value === null) return undefined
  const word = words.find((known) => known === value)
  if (word === undefined) throw new Error(`has an invalid ${name}; use one of ${words.join(', ')}`)
  return word
}

/**
 * Parses a PostgreSQL connection URL as libpq does (PostgreSQL manual, section 34.1.1.2), with several hosts too.
 * @throws Error with a message that completes "DATABASE_URL …" and contains no password
 */
export function parseDatabaseUrl(url: string): DatabaseUrl {
  const groups = URL_FORM.exec(url)?.groups
  if (groups === undefined) throw new Error('must look like postgresql://user:password@host:5432/database')
  const query = new URLSearchParams(groups['query'] ?? '')
  const ports = (query.get('port') ?? '').split(',')
  const [first, ...rest] = (query.get('host') ?? groups['hosts'] ?? '')
    .split(',')
    .map((host, index) => toHost(host.startsWith('/') ? encodeURIComponent(host) : host, ports[index] ?? ports[0]))
  const user = query.get('user') ?? decodeURIComponent(groups['user'] ?? '')
  const password = query.get('password') ?? decodeURIComponent(groups['password'] ?? '')
  const ca = query.get('sslrootcert') ?? undefined
  const fallback: SslMode = ca !== undefined || query.get('ssl') === 'true' ? 'verify-full' : 'prefer'
  const attributes = oneOf('target_session_attrs', query.get('target_session_attrs'), ['any', 'read-write', 'primary'])
  const seconds = Number(query.get('connect_timeout') ?? 0)
  const options = query.get('options')
  return {
    hosts: [first ?? { host: 'localhost', port: PORT }, ...rest],
    database: query.get('dbname') ?? (decodeURIComponent(groups['database'] ?? '') || user),
    user,
    password: password === '' ? undefined : password,
    sslMode: oneOf('sslmode', query.get('sslmode'), SSL_MODES) ?? fallback,
    targetSessionAttrs: attributes === undefined || attributes === 'any' ? 'any' : 'read-write',
    connectTimeoutMs: seconds > 0 ? seconds * 1_000 : undefined,
    certificates: {
      ca: ca === 'system' ? undefined : ca,
      cert: query.get('sslcert') ?? undefined,
      key: query.get('sslkey') ?? undefined,
    },
    settings: {
      application_name: query.get('application_name') ?? 'hearth',
      ...(options !== null && { options }),
      ...(query.get('sslnegotiation') === 'direct' && { sslnegotiation: 'direct' }),
      ...(/^(prefer|require)$/.test(query.get('channel_binding') ?? '') && { enableChannelBinding: true }),
    },
  }
}

/**
 * Returns whether connections try TLS first. With `prefer` they fall back to plain TCP where the server has no TLS, with
 * `allow` the other way round.
 */
export function triesTlsFirst({ sslMode }: DatabaseUrl): boolean {
  return sslMode !== 'disable' && sslMode !== 'allow'
}

/** Returns the `ssl` option of `pg` for the mode, as libpq means it (PostgreSQL manual, section 34.19.1). */
function sslOptions({ sslMode, certificates }: DatabaseUrl, caFile: string | undefined): ClientConfig['ssl'] {
  const ca = certificates.ca ?? caFile
  const files = {
    ...(ca !== undefined && { ca: readFileSync(ca, 'utf8') }),
    ...(certificates.cert !== undefined && { cert: readFileSync(certificates.cert, 'utf8') }),
    ...(certificates.key !== undefined && { key: readFileSync(certificates.key, 'utf8') }),
  }
  if (sslMode === 'verify-full') return files
  // For compatibility libpq verifies the chain with `require` too if there is a root certificate.
  const verifiesChain = sslMode === 'verify-ca' || (sslMode === 'require' && ca !== undefined)
  return verifiesChain ? { ...files, checkServerIdentity: () => undefined } : { ...files, rejectUnauthorized: false }
}

/** Returns the settings of `pg` for a connection to one of the hosts. `caFile` is used where the URL names none. */
export function clientSettings(
  url: DatabaseUrl,
  { host, port }: DatabaseHost,
  { tls = triesTlsFirst(url), caFile }: { tls?: boolean; caFile?: string | undefined } = {},
): ClientConfig {
  const { database, user, password, settings } = url
  const ssl = tls && !host.startsWith('/') ? sslOptions(url, caFile) : false
  return { ...settings, host, port, database, user, ...(password !== undefined && { password }), ssl }
}

/** Returns a connection URL for one of the hosts, for programs that accept one host only. */
export function urlOfHost(url: string, { host, port }: DatabaseHost): string {
  const { user, password, database } = parseDatabaseUrl(url)
  const query = new URLSearchParams(/\?([^#]*)/.exec(url)?.[1] ?? '')
  for (const name of ['host', 'port', 'user', 'password', 'dbname', 'target_session_attrs']) query.delete(name)
  const isSocket = host.startsWith('/')
  if (isSocket) query.set('host', host)
  const credentials = [user, ...(password === undefined ? [] : [password])].map(encodeURIComponent).join(':')
  const at = isSocket ? 'localhost' : host.includes(':') ? `[${host}]` : host
  const search = query.size > 0 ? `?${query}` : ''
  return `postgresql://${credentials}@${at}:${port}/${encodeURIComponent(database)}${search}`
}
