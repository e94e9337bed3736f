import pg from 'pg'
import { config } from '@/lib/config'
import { databasePool } from '@/lib/platform/db/prisma'

type Statement = { text: string; values: unknown[] }

/** A node of a plan, as EXPLAIN (ANALYZE, FORMAT JSON) gives it. */
type PlanNode = {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: PlanNode[]
}

/** How PostgreSQL carried a statement out. */
export type Plan = { sql: string; root: PlanNode; nodes: PlanNode[] }

function isStatement(value: unknown): value is { text: string; values?: unknown[] } {
  return typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string'
}

function isPlanRow(row: unknown): row is { 'QUERY PLAN': [{ Plan: PlanNode }] } {
  return typeof row === 'object' && row !== null && 'QUERY PLAN' in row
}

function nodesBelow(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesBelow)]
}

/** The SELECTs that the code under test sends to PostgreSQL during some work, with their parameters. */
async function statementsOf(work: () => Promise<unknown>): Promise<Statement[]> {
  const spy = jest.spyOn(pg.Client.prototype, 'query')
  try {
    await work()
    return spy.mock.calls
      .map(([first]: unknown[]) => first)
      .filter(isStatement)
      .filter(({ text }) => /^\s*(SELECT|WITH)\b/i.test(text))
      .map(({ text, values = [] }) => ({ text, values }))
  } finally {
    spy.mockRestore()
  }
}

/**
 * The plans of the very SELECTs that some work sends, with the very parameters: they are sent again with EXPLAIN ANALYZE.
 * Load rows by the hundred thousand and `VACUUM ANALYZE` first (see `load`), or a sequential scan is what is best.
 */
export async function plansOf(work: () => Promise<unknown>): Promise<Plan[]> {
  const plans: Plan[] = []
  for (const { text, values } of await statementsOf(work)) {
    const { rows } = await databasePool().query<object>(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values)
    const [row] = rows
    if (!isPlanRow(row)) throw new Error(`No plan for ${text}`)
    const root = row['QUERY PLAN'][0].Plan
    plans.push({ sql: text, root, nodes: nodesBelow(root) })
  }
  return plans
}

/** How many rows a plan took from tables and indexes, those included that it dropped. */
export function rowsRead({ nodes }: Plan): number {
  return nodes
    .filter((node) => node['Node Type'].includes('Scan') && node['Node Type'] !== 'Subquery Scan')
    .map(
      (node) =>
        (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)) *
        node['Actual Loops'],
    )
    .reduce((sum, rows) => sum + rows, 0)
}

/**
 * Fails when a SELECT that the work sends reads one of these tables from end to end; the plans, to look further. The
 * counts of `paginate` are left out unless `counts` says otherwise: to count most of a table is to read it.
 */
export async function assertNoSeqScan(
  tables: readonly string[],
  work: () => Promise<unknown>,
  { counts = false } = {},
): Promise<Plan[]> {
  const plans = (await plansOf(work)).filter(({ sql }) => counts || !sql.startsWith('SELECT count(*) AS total'))
  expect(plans).not.toEqual([])
  const scans = plans.flatMap(({ sql, nodes }) =>
    nodes
      .filter((node) => node['Node Type'] === 'Seq Scan' && tables.includes(node['Relation Name'] ?? ''))
      .map((node) => `Seq Scan on ${node['Relation Name']} by ${sql}`),
  )
  expect(scans).toEqual([])
  return plans
}

/**
 * Runs a statement that fills a table, for as long as it takes, and brings the table to where autovacuum would:
 * visibility known, statistics fresh.
 */
export async function load(table: string, statement: string, values: unknown[] = []): Promise<void> {
  const client = new pg.Client({ connectionString: config().databaseUrl })
  await client.connect()
  try {
    await client.query(statement, values)
    await client.query(`VACUUM ANALYZE "${table}"`)
  } finally {
    await client.end()
  }
}
