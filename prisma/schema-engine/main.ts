import { parseEngineArguments } from './arguments'
import { runCommand } from './commands'
import { logLine, logWarnings } from './log'
import { answerRequest } from './requests'
import { serveRequests } from './rpc'
import { engineVersion } from './wasm'

const main = async (argv: readonly string[]): Promise<number> => {
  const options = parseEngineArguments(argv)
  if (options.version) {
    process.stdout.write(`schema-engine-cli ${engineVersion()}\n`)
    return 0
  }
  const [group, command] = options.command
  if (group === 'cli') return runCommand(command ?? '', options.url ?? '')
  await serveRequests((request) => answerRequest(options, request))
  return 0
}

logWarnings()
main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    logLine('ERROR', { message: error instanceof Error ? error.message : String(error) })
    process.exit(1)
  },
)
