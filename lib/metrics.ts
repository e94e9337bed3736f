import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { processSingleton } from './process-singleton'

/** Upper bounds of request durations, in seconds. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

type Metrics = {
  registry: Registry
  requests: Histogram<'method' | 'route' | 'status'>
  cacheReads: Counter<'group' | 'outcome'>
}

function create(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return {
    registry,
    requests: new Histogram({
      name: 'http_request_duration_seconds',
      help: 'How long requests took, by method, route and status.',
      labelNames: ['method', 'route', 'status'],
      buckets: DURATION_BUCKETS,
      registers: [registry],
    }),
    cacheReads: new Counter({
      name: 'hearth_cache_reads_total',
      help: 'Reads of the cache, by group and by whether it had an answer.',
      labelNames: ['group', 'outcome'],
      registers: [registry],
    }),
  }
}

const metrics = processSingleton('metrics', create)

/** Counts an answered request. `route` is the pattern, never the path: the number of time series stays bounded. */
export function recordRequest(request: { method: string; route: string; status: number; seconds: number }): void {
  const { method, route, status, seconds } = request
  metrics().requests.observe({ method, route, status }, seconds)
}

/** Counts a read of the cache. */
export function recordCacheRead(group: string, outcome: 'hit' | 'miss'): void {
  metrics().cacheReads.inc({ group, outcome })
}

/** A figure that is read when it is asked for; a second one of the same name takes the place of the first. */
export function registerGauge(figure: { name: string; help: string; read: () => number | Promise<number> }): void {
  const { registry } = metrics()
  registry.removeSingleMetric(figure.name)
  const gauge: Gauge = new Gauge({
    name: figure.name,
    help: figure.help,
    registers: [registry],
    collect: async () => {
      gauge.set(await figure.read())
    },
  })
}

/** Everything in Prometheus' text format, version 0.0.4. */
export async function renderMetrics(): Promise<{ contentType: string; text: string }> {
  const { registry } = metrics()
  return { contentType: registry.contentType, text: await registry.metrics() }
}
