import { loadEnvConfig } from '@next/env'
import { environment, parseConfig, setNodeEnvironment, type Config } from '@/lib/config'

/** Loads the configuration from the environment and `.env` files in the order of Next. Exits with a line per error. */
export function loadConfig(
  projectDir: string,
  options: { development: boolean; print: (line: string) => void },
): Config {
  setNodeEnvironment(options.development ? 'development' : 'production')
  loadEnvConfig(projectDir, options.development, { info: () => {}, error: options.print })
  const parsed = parseConfig(environment())
  if ('errors' in parsed) {
    for (const error of parsed.errors) process.stderr.write(`Invalid configuration: ${error}\n`)
    process.exit(1)
  }
  return parsed.settings
}
