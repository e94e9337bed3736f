import autocannon from 'autocannon'
import { readFile } from 'node:fs/promises'

/** What is asked, over and over. With `vary` every request has a path and a body of its own, by its number. */
export type Scenario = {
  name: string
  url: string
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH'
  headers?: Record<string, string>
  body?: string
  vary?: (number: number) => { path?: string; body?: string }
}

/** What came of asking: requests a second, latencies in milliseconds. */
export type Figures = { requestsPerSecond: number; p50Ms: number; p99Ms: number }

/** No two requests of a benchmark have the same number. */
let requests = 0

/** Asks for a number of seconds over a number of connections. Any response but a 2xx stops the benchmark. */
export async function measure(scenario: Scenario, seconds: number, connections = 20): Promise<Figures> {
  const { url, method = 'GET', headers = {}, body, vary } = scenario
  const result = await autocannon({
    url,
    method,
    headers,
    connections,
    duration: seconds,
    ...(body !== undefined && { body }),
    ...(vary !== undefined && {
      requests: [
        {
          setupRequest: (asked: autocannon.Request) => {
            requests += 1
            return { ...asked, ...vary(requests) }
          },
        },
      ],
    }),
  })
  if (result.non2xx > 0 || result.errors > 0) {
    throw new Error(`${scenario.name}: ${result.non2xx} answers were not 2xx, ${result.errors} requests failed`)
  }
  return { requestsPerSecond: result.requests.average, p50Ms: result.latency.p50, p99Ms: result.latency.p99 }
}

/** Measures every scenario in turn, round by round, so that a change of the machine's speed meets all alike. */
export async function measureInTurn(
  scenarios: readonly Scenario[],
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Map<string, Figures>> {
  const all = new Map<string, Figures[]>(scenarios.map(({ name }) => [name, []]))
  for (const scenario of scenarios) await measure(scenario, 1)
  for (let round = 0; round < rounds; round += 1) {
    for (const scenario of scenarios) all.get(scenario.name)?.push(await measure(scenario, seconds))
  }
  return new Map([...all].map(([name, figures]) => [name, medianOf(figures)]))
}

/** The middle of some numbers. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function medianOf(figures: readonly Figures[]): Figures {
  return {
    requestsPerSecond: median(figures.map((figure) => figure.requestsPerSecond)),
    p50Ms: median(figures.map((figure) => figure.p50Ms)),
    p99Ms: median(figures.map((figure) => figure.p99Ms)),
  }
}

/** The most memory that a process has had resident so far, in MiB; where the system does not tell, not a number. */
export async function peakMemoryMiB(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Writes a line. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Signs in; the token, and whose it is. */
export async function signIn(
  url: string,
  credentials: { email: string; password: string },
): Promise<{ token: string; user: { id: number } }> {
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(`${url}/api/auth/login`, { method: 'POST', headers, body: JSON.stringify(credentials) })
  if (!response.ok) throw new Error(`Signing in answered ${response.status}: ${await response.text()}`)
  return JSON.parse(await response.text())
}
