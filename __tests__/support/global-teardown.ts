import { rm } from 'node:fs/promises'

export default async function stopTestPostgres(): Promise<void> {
  const running = globalThis.hearthTestPostgres
  await running?.postgres.stop()
  if (running !== undefined) await rm(running.dataDir, { recursive: true, force: true })
}
