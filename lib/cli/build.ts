import { ensureBuild, ensureClient } from './build-if-stale'

const say = (line: string) => process.stdout.write(`${line}\n`)

/** `npm run build`: the Prisma client and the production build, where they are not of these sources already. */
async function main(): Promise<void> {
  if (!process.argv.includes('--client-only')) {
    await ensureClient(process.cwd(), say)
    await ensureBuild(process.cwd(), say)
  } else {
    await ensureClient(process.cwd(), say)
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
