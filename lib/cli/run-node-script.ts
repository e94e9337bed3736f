import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { environment } from '@/lib/config'

const OUTPUT_MAX_CHARACTERS = 100_000

/**
 * Runs a Node program of the project to its end and returns its output.
 * @throws Error with the output if the exit code is not 0
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
  const end = () => child.kill()
  process.once('exit', end)
  let output = ''
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-OUTPUT_MAX_CHARACTERS)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  }).finally(() => process.off('exit', end))
  if (code !== 0) throw new Error(`${program.name} failed:\n${output}`)
  return output
}

/** Runs Prisma's command line. */
export async function runPrisma(projectDir: string, args: string[], databaseUrl?: string): Promise<string> {
  return runNodeScript(projectDir, {
    name: `prisma ${args.join(' ')}`,
    args: [createRequire(join(projectDir, 'package.json')).resolve('prisma/build/index.js'), ...args],
    ...(databaseUrl !== undefined && { env: { DATABASE_URL: databaseUrl, DATABASE_DIRECT_URL: databaseUrl } }),
  })
}
