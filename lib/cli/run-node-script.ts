import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { environment } from '@/lib/config'

const OUTPUT_MAX_CHARACTERS = 100_000

/**
 * Runs a Node program of the project and waits for its end; its output is kept back unless it fails.
 * @throws Error with the output when the program ends with anything but 0.
 */
export async function runNodeScript(
  projectDir: string,
  program: { name: string; args: string[]; env?: Record<string, string> },
): Promise<string> {
  const child = spawn(process.execPath, program.args, {
    cwd: projectDir,
    env: { ...environment(), NODE_ENV: 'production', ...program.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // Whoever ends while it runs takes it along.
  const end = () => child.kill()
  process.once('exit', end)
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-OUTPUT_MAX_CHARACTERS)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  }).finally(() => process.off('exit', end))
  if (code !== 0) throw new Error(`${program.name} failed:\n${output}`)
  return output
}

/** Runs Prisma's command line, as `npm run prisma` does. */
export async function runPrisma(projectDir: string, args: string[], databaseUrl?: string): Promise<string> {
  return runNodeScript(projectDir, {
    name: `prisma ${args.join(' ')}`,
    args: ['--require', 'tsx/cjs', join('prisma', 'cli.ts'), ...args],
    ...(databaseUrl !== undefined && { env: { DATABASE_URL: databaseUrl } }),
  })
}
