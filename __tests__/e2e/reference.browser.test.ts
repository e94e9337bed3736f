import type { Browser, Page } from 'playwright-core'
import { launchBrowser } from '../support/browser'
import { type RunningServer, startServer } from '../support/server'

let server: RunningServer
let browser: Browser
let page: Page
let hosts: Set<string>
let complaints: string[]

beforeAll(async () => {
  server = await startServer()
  browser = await launchBrowser()
}, 120_000)

afterAll(async () => {
  await browser.close()
  await server.remove()
})

beforeEach(async () => {
  hosts = new Set()
  complaints = []
  page = await browser.newPage({ viewport: { width: 1280, height: 1000 } })
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url())
    if (protocol !== 'data:') hosts.add(host)
  })
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(`${server.url}/api/docs`)
  await page.locator('#operations-System-getHello').waitFor()
})

afterEach(() => page.close())

describe('the reference page in a browser', () => {
  it('shows every operation of the document and loads nothing from another host', async () => {
    const document: { paths: Record<string, object> } = await (await fetch(`${server.url}/api/openapi.json`)).json()
    const operations = Object.values(document.paths).flatMap((item) => Object.keys(item))
    expect(await page.locator('.opblock').count()).toBe(operations.length)
    expect([...hosts]).toEqual([new URL(server.url).host])
    expect(complaints).toEqual([])
  })

  it('sends a request and shows the response of this server', async () => {
    const operation = page.locator('#operations-System-getHello')
    await operation.locator('.opblock-summary-control').click()
    await operation.getByRole('button', { name: 'Execute' }).click()
    const response = operation.locator('.live-responses-table .response-col_description')
    await response.getByText('Hello from Hearth').first().waitFor()
    expect(await operation.locator('.live-responses-table tbody .response-col_status').first().innerText()).toContain(
      '200',
    )
    expect(complaints).toEqual([])
  })

  it('sends an authenticated request with the token of a registration on the page', async () => {
    const register = page.locator('#operations-Authentication-register')
    await register.locator('.opblock-summary-control').click()
    await register.getByRole('button', { name: 'Execute' }).click()
    const response = register.locator('.live-responses-table .microlight').first()
    await response.waitFor()
    const token = /"token": "([^"]+)"/.exec(await response.innerText())?.[1] ?? ''
    expect(token).not.toBe('')

    await page.getByRole('button', { name: 'Authorize' }).first().click()
    const dialog = page.locator('.modal-ux')
    await dialog.locator('input').first().fill(token)
    await dialog.getByRole('button', { name: 'Apply credentials' }).first().click()
    await dialog.getByRole('button', { name: 'Close' }).first().click()

    const me = page.locator('#operations-Authentication-getMe')
    await me.locator('.opblock-summary-control').click()
    await me.getByRole('button', { name: 'Execute' }).click()
    await me.locator('.live-responses-table').getByText('ada@example.com').first().waitFor()
    expect(complaints).toEqual([])
    if (process.env['SCREENSHOT'] !== undefined) await page.screenshot({ path: process.env['SCREENSHOT'] })
  })
})
