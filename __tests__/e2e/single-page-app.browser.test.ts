import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchBrowser } from '../support/browser'
import { uniqueEmail, PASSWORD } from '../support/factories'
import { type RunningServer, startServer } from '../support/server'
import { waitFor } from '../support/wait'

const ACCESS_TOKEN_TTL_SECONDS = 2
const folder = join('__tests__', 'e2e', 'single-page-app')

let server: RunningServer
let app: { server: Server; origin: string }
let foreignSite: { server: Server; origin: string }
let browser: Browser
let context: BrowserContext
let page: Page
let email: string

/** Serves the page. Each port is a separate origin. */
async function servePage(): Promise<{ server: Server; origin: string }> {
  const pageServer = createServer((req, res) => {
    const [file, type] = req.url === '/app.mjs' ? ['app.mjs', 'text/javascript'] : ['index.html', 'text/html']
    void readFile(join(folder, file)).then((content) => res.setHeader('Content-Type', type).end(content))
  })
  pageServer.listen(0, '127.0.0.1')
  await once(pageServer, 'listening')
  const address = pageServer.address()
  if (address === null || typeof address === 'string') throw new Error('The page has no port.')
  return { server: pageServer, origin: `http://127.0.0.1:${address.port}` }
}

beforeAll(async () => {
  app = await servePage()
  foreignSite = await servePage()
  server = await startServer({ CORS_ORIGINS: app.origin })
  browser = await launchBrowser()
}, 120_000)

afterAll(async () => {
  await browser.close()
  await server.remove()
  app.server.close()
  foreignSite.server.close()
})

/** Registers an account at a server and opens the page that calls it. */
async function openPage(at: RunningServer): Promise<void> {
  email = uniqueEmail()
  await fetch(`${at.url}/api/auth/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email, password: PASSWORD }),
  })
  page = await context.newPage()
  await page.goto(`${app.origin}/?api=${at.url}`)
}

beforeEach(async () => {
  context = await browser.newContext()
  await openPage(server)
})

afterEach(() => context.close())

/** Waits until an element of the page matches a pattern. */
async function shown(id: string, what: string | RegExp, where: Page = page): Promise<string> {
  const found = where.locator(`#${id}`).filter({ hasText: what })
  await found.waitFor({ timeout: 10_000 })
  return found.innerText()
}

async function signIn(): Promise<void> {
  await page.fill('[name=email]', email)
  await page.fill('[name=password]', PASSWORD)
  await page.click('#sign-in button')
  await shown('user', email)
}

async function refreshCookie(at = server) {
  return (await context.cookies(`${at.url}/api/auth/refresh`)).find(({ name }) => name === 'hearth_refresh')
}

describe('a single-page app of another origin', () => {
  it('logs in with an HttpOnly refresh token and reads ETag and X-Request-Id', async () => {
    await signIn()
    expect(await refreshCookie()).toMatchObject({ httpOnly: true, path: '/api/auth', sameSite: 'Strict' })
    expect(await page.evaluate(() => document.cookie)).toBe('')
    expect(await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]))).toBe('[{},{}]')

    await page.click('#load')
    expect(await shown('etag', /"/)).toMatch(/^(W\/)?"[^"]+"$/)
    const requestId = await shown('request-id', /\S/)
    expect(requestId).toMatch(/^[\w.-]{1,64}$/)
    await waitFor('the request in the log', () => server.output().includes(requestId))
  })

  it('refreshes silently when the access token has expired and after a reload', async () => {
    const shortLived = await startServer({
      CORS_ORIGINS: app.origin,
      ACCESS_TOKEN_TTL_SECONDS: String(ACCESS_TOKEN_TTL_SECONDS),
    })
    try {
      await openPage(shortLived)
      await signIn()
      const first = await refreshCookie(shortLived)
      await page.waitForTimeout(ACCESS_TOKEN_TTL_SECONDS * 1000 + 500)
      await page.click('#load')
      await shown('refreshes', '1')
      await shown('request-id', /\S/)
      expect(await page.locator('#failure').innerText()).toBe('')
      expect((await refreshCookie(shortLived))?.value).not.toBe(first?.value)

      await page.reload()
      await page.click('#load')
      await shown('user', email)
      await shown('refreshes', '1')
    } finally {
      await shortLived.remove()
    }
  }, 60_000)

  it('receives upload progress and reads the ETag', async () => {
    await signIn()
    const network = await context.newCDPSession(page)
    await network.send('Network.enable')
    await network.send('Network.emulateNetworkConditions', {
      ...{ offline: false, latency: 0, downloadThroughput: -1 },
      uploadThroughput: 4_000_000,
    })
    const buffer = Buffer.alloc(3_000_000, 'hearth')
    await page.setInputFiles('#file', { name: 'big.txt', mimeType: 'text/plain', buffer })
    const [status, ...body] = (await shown('uploaded', /\S/)).split(' ')
    expect(status).toBe('201')
    expect(JSON.parse(body.join(' '))).toMatchObject({ path: 'big.txt', size: buffer.length })
    expect(await page.locator('#etag').innerText()).toMatch(/^(W\/)?"[^"]+"$/)
    const steps = (await page.locator('#progress').innerText()).split(' ').map(Number)
    expect(steps.length).toBeGreaterThan(2)
    expect(steps).toEqual(steps.toSorted((a, b) => a - b))
    expect(steps.at(-1)).toBe(100)
  })

  it('revokes the session on logout', async () => {
    await signIn()
    await page.click('#sign-out')
    await page.locator('#user:empty').waitFor({ state: 'attached' })
    expect(await refreshCookie()).toBeUndefined()
    await page.click('#load')
    await shown('failure', 'refused with 401')
  })
})

describe('a page of an origin that is not allowed', () => {
  it('can neither log in nor use the cookie that the browser sends', async () => {
    await signIn()
    const cookie = await refreshCookie()
    const other = await context.newPage()
    await other.goto(`${foreignSite.origin}/?api=${server.url}`)

    await other.fill('[name=email]', email)
    await other.fill('[name=password]', PASSWORD)
    await other.click('#sign-in button')
    await shown('failure', 'Failed to fetch', other)
    expect(await other.locator('#user').innerText()).toBe('')

    // A simple request, which needs no preflight.
    const outcome = await other.evaluate(async (url) => {
      return fetch(url, { method: 'POST', credentials: 'include' }).then(
        (response) => `read ${response.status}`,
        (error: unknown) => String(error),
      )
    }, `${server.url}/api/auth/refresh`)
    expect(outcome).toContain('Failed to fetch')
    // The browser hides the response; the server's log has it.
    await waitFor('the 403 in the log', () => /"path":"\/api\/auth\/refresh","status":403/.test(server.output()))
    expect((await refreshCookie())?.value).toBe(cookie?.value)

    // The session still exists.
    await page.reload()
    await page.click('#load')
    await shown('user', email)
  })
})
