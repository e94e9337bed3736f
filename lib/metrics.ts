import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { processSingleton } from './process-singleton'

/** Upper bounds of request durations, in seconds. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

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
      help: 'Duration of requests by method, route and status.',
      labelNames: ['method', 'route', 'status'],
      buckets: DURATION_BUCKETS,
      registers: [registry],
    }),
    cacheReads: new Counter({
      name: 'hearth_cache_reads_total',
      help: 'Cache reads by tag and outcome.',
      labelNames: ['group', 'outcome'],
      registers: [registry],
    }),
  }
}

const metrics = processSingleton('metrics', create)

/** Records a finished request. `route` is the pattern, not the path, to limit the number of time series. */
export function recordRequest(request: { method: string; route: string; status: number; seconds: number }): void {
  const { method, route, status, seconds } = request
  metrics().requests.observe({ method, route, status }, seconds)
}

/** Records a cache read; `group` is the entry's first tag. */
export function recordCacheRead(group: string, outcome: 'hit' | 'miss'): void {
  metrics().cacheReads.inc({ group, outcome })
}

/**
 * Registers a gauge that is read on every scrape, replacing the gauge of the same name. With several processes their
 * values are added, or, if `isShared`, that of one is taken.
 */
export function registerGauge(options: {
  name: string
  help: string
  isShared?: boolean
  read: () => number | Promise<number>
}): void {
  const { name, help, isShared = false, read } = options
  const { registry } = metrics()
  registry.removeSingleMetric(name)
  const gauge: Gauge = new Gauge({
    name,
    help,
    aggregator: isShared ? 'first' : 'sum',
    registers: [registry],
    collect: async () => gauge.set(await read()),
  })
}

/** Returns all metrics of this process, for `AggregatorRegistry`. */
export async function collectMetrics(): Promise<object[]> {
  return metrics().registry.getMetricsAsJSON()
}

/** Renders the metrics of this process in Prometheus' text format, version 0.0.4. */
export async function renderMetrics(): Promise<string> {
  return metrics().registry.metrics()
}
