import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Connections, createDatabase, dropDatabase, openConnections, probeDatabase } from './database'
import { callMethod, engineVersion, type Request, startEngine, untilPanic } from './engine'
import { describeConnectionError, describeFailure, type Failure } from './failures'

/** A connection that waits for a lock closes when it gets it, which may be never; the response does not wait for it. */
const CLOSE_TIMEOUT_MS = 3000

const COMMANDS: Record<string, (url: string) => Promise<void>> = {
  'can-connect-to-database': probeDatabase,
  'create-database': createDatabase,
  'drop-database': dropDatabase,
}

/** Writes a line of the log on standard error, in which the CLI looks for this target to explain a failed command. */
function log(level: 'INFO' | 'WARN' | 'ERROR', fields: Record<string, unknown>): void {
  const line = { timestamp: new Date().toISOString(), level, fields, target: 'schema_engine::logger' }
  process.stderr.write(`${JSON.stringify(line)}\n`)
}

function send(message: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
}

/** Makes the CLI write to its own standard output, where `--output` redirects it. */
const print = (content: string) => send({ id: 1, method: 'print', params: { content } })

/** Runs `schema-engine cli <name>` and returns its exit code. The CLI reads the log from its second line. */
async function runCommand(name: string, url: string): Promise<number> {
  log('INFO', { message: `Running ${name}` })
  try {
    const command = COMMANDS[name]
    if (command === undefined) throw new Error(`The schema engine has no command ${name}.`)
    await command(url)
    return 0
  } catch (error) {
    const { code, message } = describeConnectionError(error, url)
    log('ERROR', { message, error_code: code, is_panic: false })
    return 1
  }
}

/** Parses a JSON-RPC request; returns undefined for the confirmation of something printed. */
function parseRequest(line: string): (Request & { id: unknown }) | undefined {
  const request: unknown = line.trim() === '' ? undefined : JSON.parse(line)
  if (typeof request !== 'object' || request === null || !('id' in request) || !('method' in request)) return undefined
  if (typeof request.method !== 'string') return undefined
  return { id: request.id, method: request.method, params: 'params' in request ? request.params : undefined }
}

/** Shapes a failure as the native engine does; the CLI shows `data`. */
function rpcError({ code, message, meta, isPanic }: Failure): Record<string, unknown> {
  const data = isPanic
    ? { is_panic: true, error: { message }, message, backtrace: null }
    : { is_panic: false, message, ...(code !== undefined && { error_code: code, meta: meta ?? {} }) }
  return { code: 4466, message: 'An error happened. Check the data field for details.', data }
}

/**
 * Handles a request with an engine and connections of its own: the advisory lock of a command is released with its
 * connection, and a new engine has no stale state.
 */
async function handle(
  { id, ...request }: Request & { id: unknown },
  files: [path: string, content: string][],
  open: () => Connections,
  url: string | undefined,
): Promise<void> {
  const connections = open()
  try {
    const writeLog = (line: string) => void process.stderr.write(line)
    const result = await untilPanic(async () =>
      callMethod(await startEngine(files, connections.factory, writeLog), request, print),
    )
    // The CLI rejects a response without a result.
    send({ id, result: result ?? {} })
  } catch (error) {
    send({ id, error: rpcError(await describeFailure(error, connections.scriptError(), url)) })
  } finally {
    await Promise.race([connections.close().catch(() => {}), setTimeout(CLOSE_TIMEOUT_MS)])
  }
}

/** Runs what the CLI would start the native engine for, and returns the exit code. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      datamodels: { type: 'string', multiple: true, default: [] },
      datasource: { type: 'string', default: '{}' },
      'enabled-preview-features': { type: 'string' },
      'extension-types': { type: 'string' },
      version: { type: 'boolean', short: 'V' },
    },
  })
  const { url, shadowDatabaseUrl }: { url?: string; shadowDatabaseUrl?: string } = JSON.parse(values.datasource)
  if (values.version === true) {
    process.stdout.write(`schema-engine-cli ${engineVersion()}\n`)
    return 0
  }
  if (positionals[0] === 'cli') return runCommand(positionals[1] ?? '', url ?? '')
  const files = values.datamodels.map((path): [string, string] => [path, readFileSync(path, 'utf8')])
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const request = parseRequest(line)
    if (request !== undefined) await handle(request, files, () => openConnections(url, shadowDatabaseUrl), url)
  }
  return 0
}

// The CLI accepts nothing but log lines on standard error.
process.removeAllListeners('warning').on('warning', ({ message }) => log('WARN', { message }))
main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    log('ERROR', { message: error instanceof Error ? error.message : String(error) })
    process.exit(1)
  },
)
