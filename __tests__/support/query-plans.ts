import pg from 'pg'
import { config } from '@/lib/config'
import { databasePool } from '@/lib/platform/db/prisma'

type Statement = { text: string; values: unknown[] }

/** A plan node of EXPLAIN (ANALYZE, FORMAT JSON). */
type PlanNode = {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: PlanNode[]
}

/** The plan that PostgreSQL executed for a statement. */
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

/** Returns the SELECT statements that some work sends to PostgreSQL, with their parameters. */
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
 * Returns the plans of the SELECT statements that some work sends: they are repeated with EXPLAIN ANALYZE and the same
 * parameters. First `load` some hundred thousand rows: for small tables a sequential scan is the best plan.
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

/** Returns the number of rows that a plan read from tables and indexes, including those that it filtered out. */
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
 * Fails if a SELECT that the work sends scans one of these tables sequentially. Returns the plans. The count queries of
 * `paginate` are only checked with `counts`, since counting most of a table requires reading it.
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
 * Runs a statement that fills a table, without a timeout, and then vacuums and analyzes the table as autovacuum would.
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
