import { loadEnvConfig } from '@next/env'
import { environment, parseConfig, setNodeEnvironment, type Config } from '@/lib/config'

/** The settings of the environment and `.env`; wrong ones end the process with a line for each fault. */
export function loadConfig(projectDir: string, options: { development: boolean; say: (line: string) => void }): Config {
  setNodeEnvironment(options.development ? 'development' : 'production')
  loadEnvConfig(projectDir, options.development, { info: () => {}, error: options.say })
  const parsed = parseConfig(environment())
  if ('faults' in parsed) {
    for (const fault of parsed.faults) process.stderr.write(`Setting ${fault}\n`)
    process.exit(1)
  }
  return parsed.settings
}
