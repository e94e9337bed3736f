import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts the installed Chromium, or the one at `CHROMIUM_PATH`. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = [process.env['CHROMIUM_PATH'] ?? '', ...CANDIDATES].find(
    (path) => path !== '' && existsSync(path),
  )
  if (executablePath === undefined) {
    throw new Error('Chromium was not found: install it (apt-get install chromium) or set CHROMIUM_PATH.')
  }
  return chromium.launch({ executablePath, args: FLAGS })
}
