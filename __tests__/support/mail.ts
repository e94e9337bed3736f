import { mkdtempSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { settings, useSettings } from '@/lib/config'

/** Lets mail be written to a folder of this test file's own. Call it at the top of the file. */
export function useMailFolder(): void {
  const dataDir = mkdtempSync(join(tmpdir(), 'hearth-mail-'))
  beforeAll(() => useSettings({ ...settings(), dataDir }))
  afterAll(() => rm(dataDir, { recursive: true, force: true }))
}

/** The mails written so far, as they are. */
export async function writtenMails(dataDir = settings().dataDir): Promise<string[]> {
  const folder = join(dataDir, 'mail')
  const names = await readdir(folder).catch(() => [])
  return Promise.all(names.filter((name) => name.endsWith('.eml')).map((name) => readFile(join(folder, name), 'utf8')))
}
