import autocannon from 'autocannon'
import { readFile } from 'node:fs/promises'

/** A request that is repeated. `vary` returns the path and the body for the number of the request. */
export type Scenario = {
  name: string
  url: string
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH'
  headers?: Record<string, string>
  body?: string
  vary?: (number: number) => { path?: string; body?: string }
}

/** Requests per second, and latencies in milliseconds. */
export type Figures = { requestsPerSecond: number; p50Ms: number; p99Ms: number }

/** The number of the next request, unique in a benchmark. */
let requests = 0

/** Sends requests for a number of seconds over a number of connections. Any response but a 2xx stops the benchmark. */
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
    throw new Error(`${scenario.name}: ${result.non2xx} responses were not 2xx, ${result.errors} requests failed`)
  }
  return { requestsPerSecond: result.requests.average, p50Ms: result.latency.p50, p99Ms: result.latency.p99 }
}

/** Measures the scenarios in rounds, so that a change of the machine's speed affects all of them. */
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

/** Returns the median. */
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

/** Returns the peak resident memory of a process in MiB; NaN if the system does not report it. */
export async function peakMemoryMiB(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024
}

/** Returns a Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Prints a line. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Logs in. Returns the token and the user. */
export async function signIn(
  url: string,
  credentials: { email: string; password: string },
): Promise<{ token: string; user: { id: number } }> {
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(`${url}/api/auth/login`, { method: 'POST', headers, body: JSON.stringify(credentials) })
  if (!response.ok) throw new Error(`The login returned ${response.status}: ${await response.text()}`)
  return JSON.parse(await response.text())
}
