import { launchBrowser } from '../support/browser'
import { createFileClient } from '../support/file-client'
import { startServer } from '../support/server'

it('prevents scripts in uploaded HTML and SVG from running in a browser', async () => {
  const script = 'document.title = "ran"; fetch("/api/hello?ran")'
  const pages = {
    'page.html': ['text/html', `<html><title>quiet</title><script>${script}</script></html>`],
    'drawing.svg': ['image/svg+xml', `<svg xmlns="http://www.w3.org/2000/svg"><script>${script}</script></svg>`],
    'sniffed.txt': ['text/plain', `<html><title>quiet</title><script>${script}</script></html>`],
  } as const
  const server = await startServer({ WORKER: 'off' })
  const { userId, authorization } = await createFileClient(server)
  const browser = await launchBrowser()
  try {
    for (const [name, [type, body]] of Object.entries(pages)) {
      const url = `${server.url}/api/files/${userId}/web/${name}`
      await fetch(url, { method: 'PUT', headers: { ...authorization, 'Content-Type': type }, body })
      await fetch(url, {
        method: 'PATCH',
        headers: { ...authorization, 'Content-Type': 'application/json' },
        body: '{"visibility":"public"}',
      })
      const page = await browser.newPage()
      const asked: string[] = []
      page.on('request', (sent) => asked.push(sent.url()))
      const download = page.waitForEvent('download', { timeout: 5_000 }).catch(() => undefined)
      await page.goto(url).catch(() => undefined)
      const saved = name === 'sniffed.txt' ? undefined : await download
      await page.waitForTimeout(300)
      expect([name, asked.filter((one) => one.includes('ran'))]).toEqual([name, []])
      expect(await page.title()).not.toBe('ran')
      if (name !== 'sniffed.txt') expect(saved?.suggestedFilename()).toBe(name)
      // Also when embedded in a page of the same origin.
      await page.goto(`${server.url}/api/hello`)
      await page.setContent(`<iframe src="${url}"></iframe><object data="${url}"></object><embed src="${url}">`)
      await page.waitForTimeout(300)
      expect([name, asked.filter((one) => one.includes('ran'))]).toEqual([name, []])
      await page.close()
    }
  } finally {
    await browser.close()
    await server.remove()
  }
}, 60_000)
