import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import pg from 'pg'
import { databaseUrl, dropDatabase } from '../support/databases'
import { createProject, SCHEMA } from './project'
import type { IdempotentResult, TemporaryProject } from './project'

const FUNCTION = `CREATE FUNCTION greet(name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  -- a comment; with a semicolon
  RETURN 'hello; ' || name;
END;
$$;
`

const ended = ({ code, output }: IdempotentResult, expected: number, ...texts: readonly (string | RegExp)[]): void => {
  assert.equal(code, expected, output)
  for (const text of texts) {
    assert.ok(
      typeof text === 'string' ? output.includes(text) : text.test(output),
      `${text} is missing from:\n${output}`,
    )
  }
}

const query = async (url: string, sql: string): Promise<readonly unknown[]> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' })
    return rows.flat()
  } finally {
    await client.end()
  }
}

const withField = SCHEMA.replace('  title    String\n', '  title    String\n  body     String?\n')

const DATABASES = ['dev', 'prod', 'crowd', 'pushed', 'spaces']

/** The databases of this file, most of which are created by the command line. */
const server = {
  url: (name: string): string => {
    const [database = '', search = ''] = name.split('?')
    return `${databaseUrl(database)}${search === '' ? '' : `?${search}`}`
  },
}

jest.setTimeout(120_000)

describe('the Prisma command line without a native engine', () => {
  let project: TemporaryProject
  const prisma = (database: string, ...args: readonly string[]): Promise<IdempotentResult> =>
    project.prisma(server.url(database), ...args)
  const migrations = (): readonly string[] =>
    readdirSync(project.path('migrations')).filter((name) => !name.endsWith('.toml'))

  beforeAll(() => {
    project = createProject()
  })

  afterAll(async () => {
    project.remove()
    for (const name of DATABASES) await dropDatabase(name)
  })

  it('generates, validates and formats without a database', async () => {
    ended(await project.prisma(undefined, 'generate'), 0, 'Generated Prisma Client')
    assert.ok(existsSync(project.path('generated', 'client.ts')))
    ended(await project.prisma(undefined, 'validate'), 0, 'is valid')
    project.write('schema.prisma', SCHEMA.replace('  name  String', '  name String'))
    ended(await project.prisma(undefined, 'format'), 0, 'Formatted')
    assert.equal(readFileSync(project.path('schema.prisma'), 'utf8'), SCHEMA)
    project.write('schema.prisma', SCHEMA.replace('Author @relation', 'Missing @relation'))
    ended(await project.prisma(undefined, 'validate'), 1, 'P1012')
    project.write('schema.prisma', SCHEMA)
  })

  it('compares a schema with nothing', async () => {
    ended(
      await project.prisma(
        server.url('dev'),
        'migrate',
        'diff',
        '--from-empty',
        '--to-schema',
        project.path('schema.prisma'),
      ),
      0,
      'Author',
    )
  })

  it('writes the first migration from the schema, in a database it creates', async () => {
    ended(await prisma('dev', 'migrate', 'dev', '--create-only', '--name', 'first'), 0, 'without applying it')
    const [name] = migrations()
    assert.match(name ?? '', /^\d{14}_first$/)
    assert.match(readFileSync(project.path('migrations', name ?? '', 'migration.sql'), 'utf8'), /CREATE TABLE "Note"/)
    assert.deepEqual(await query(server.url('dev'), `SELECT 1 FROM pg_tables WHERE tablename = 'Note'`), [])
  })

  it('applies and writes migrations with plain migrate dev', async () => {
    ended(await prisma('dev', 'migrate', 'dev'), 0, 'in sync')
    project.write('schema.prisma', withField)
    ended(await prisma('dev', 'migrate', 'dev', '--name', 'body'), 0, 'in sync')
    assert.equal(migrations().length, 2)
  })

  it('leaves no shadow database behind', async () => {
    assert.deepEqual(
      await query(server.url('dev'), `SELECT datname FROM pg_database WHERE datname LIKE '%shadow%'`),
      [],
    )
  })

  it('deploys to a missing database, and then has nothing to do', async () => {
    ended(await prisma('prod', 'migrate', 'status'), 1, 'P1003', '`prod` does not exist')
    ended(await prisma('prod', 'migrate', 'deploy'), 0, 'PostgreSQL database prod created', 'successfully applied')
    ended(await prisma('prod', 'migrate', 'deploy'), 0, 'No pending migrations')
    ended(await prisma('prod', 'migrate', 'status'), 0, 'up to date')
  })

  it('seeds and passes arguments on', async () => {
    ended(await project.prisma(undefined, 'generate'), 0)
    ended(await prisma('prod', 'db', 'seed', '--', '--from', 'here'), 0, 'notes: 1 --from here')
  })

  it('compares migrations, schema and database', async () => {
    const schema = project.path('schema.prisma')
    const folder = project.path('migrations')
    const sameMigrations = ['migrate', 'diff', '--from-migrations', folder, '--to-schema', schema, '--exit-code']
    ended(await prisma('prod', ...sameMigrations), 0, 'No difference')
    const sameDatabase = ['migrate', 'diff', '--from-config-datasource', '--to-schema', schema, '--exit-code']
    ended(await prisma('prod', ...sameDatabase), 0, 'No difference')
    project.write('schema.prisma', SCHEMA)
    ended(await prisma('prod', ...sameMigrations, '--script'), 2, 'DROP COLUMN "body"')
    project.write('schema.prisma', withField)
    const file = project.path('diff.sql')
    ended(await prisma('prod', 'migrate', 'diff', '--from-empty', '--to-schema', schema, '--script', '-o', file), 0)
    assert.match(readFileSync(file, 'utf8'), /CREATE TABLE "Author"/)
    assert.deepEqual(await query(server.url('prod'), 'SELECT count(*)::int FROM "Note"'), [1])
  })

  it('runs a migration with semicolons inside a function body as one script', async () => {
    project.addMigration('20990101000000_function', FUNCTION)
    ended(await prisma('prod', 'migrate', 'deploy'), 0, 'successfully applied')
    assert.deepEqual(await query(server.url('prod'), `SELECT greet('you')`), ['hello; you'])
    ended(await prisma('dev', 'migrate', 'dev'), 0, 'in sync')
  })

  it('supports concurrent deployments on an empty server', async () => {
    const all = await Promise.all([1, 2, 3].map(() => prisma('crowd', 'migrate', 'deploy')))
    for (const outcome of all) ended(outcome, 0)
    assert.equal(all.filter(({ output }) => output.includes('successfully applied')).length, 1)
    const [applied] = await query(server.url('crowd'), 'SELECT count(*)::int FROM _prisma_migrations')
    assert.equal(applied, migrations().length)
  })

  it('reports a failed migration, rolls it back completely and supports resolving it', async () => {
    const name = '20990102000000_broken'
    project.addMigration(name, 'CREATE TABLE half (id int);\nALTER TABLE missing ADD COLUMN x int;\n')
    const failed = await prisma('prod', 'migrate', 'deploy')
    ended(
      failed,
      1,
      'P3018',
      `Migration name: ${name}`,
      'Database error code: 42P01',
      'relation "missing" does not exist',
    )
    assert.deepEqual(await query(server.url('prod'), `SELECT to_regclass('half')`), [null])
    ended(await prisma('prod', 'migrate', 'deploy'), 1, 'P3009', name)
    ended(await prisma('prod', 'migrate', 'status'), 1, name)
    ended(await prisma('prod', 'migrate', 'resolve', '--rolled-back', name), 0, 'marked as rolled back')
    project.addMigration(name, 'CREATE TABLE whole (id int);\n')
    ended(await prisma('prod', 'migrate', 'deploy'), 0, 'successfully applied')
    project.addMigration('20990103000000_by_hand', 'SELECT 1;\n')
    ended(await prisma('prod', 'migrate', 'resolve', '--applied', '20990103000000_by_hand'), 0, 'marked as applied')
    ended(await prisma('prod', 'migrate', 'status'), 0, 'up to date')
  })

  it('waits for another migration until a timeout', async () => {
    const holder = new pg.Client({ connectionString: server.url('prod') })
    await holder.connect()
    await holder.query('SELECT pg_advisory_lock(72707369)')
    ended(await prisma('prod', 'migrate', 'deploy'), 1, 'P1002', 'advisory lock')
    process.env['PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK'] = '1'
    const unlocked = await prisma('prod', 'migrate', 'deploy')
    delete process.env['PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK']
    await holder.end()
    ended(unlocked, 0, 'No pending migrations')
  })

  it('reports why it cannot connect', async () => {
    const nowhere = 'postgresql://postgres:secret@127.0.0.1:1/x'
    const unreachable = await project.prisma(nowhere, 'migrate', 'deploy')
    ended(unreachable, 1, 'P1001', "Can't reach database server at `127.0.0.1:1`")
    assert.ok(!unreachable.output.includes('secret'))
    ended(await project.prisma('nonsense', 'migrate', 'diff', '--from-config-datasource', '--to-empty'), 1)
    const otherLogin = new URL(server.url('prod'))
    otherLogin.username = 'nobody'
    ended(await project.prisma(otherLogin.href, 'migrate', 'status'), 1, 'P1000')
  })

  it('reports a panic of the engine as a failure', async () => {
    process.env['FORCE_PANIC_SCHEMA_ENGINE'] = '1'
    const outcome = await prisma('prod', 'migrate', 'status')
    delete process.env['FORCE_PANIC_SCHEMA_ENGINE']
    ended(outcome, 1, 'artificial panic')
  })

  it('pushes, pulls and executes', async () => {
    ended(await prisma('pushed', 'db', 'push'), 0, 'in sync')
    await query(server.url('pushed'), 'ALTER TABLE "Note" ADD CHECK (length(title) > 0)')
    ended(await prisma('pushed', 'db', 'pull', '--print'), 0, 'model Note')
    project.write('script.sql', FUNCTION)
    ended(await prisma('pushed', 'db', 'execute', '--file', project.path('script.sql')), 0, 'executed successfully')
    assert.deepEqual(await query(server.url('pushed'), `SELECT greet('you')`), ['hello; you'])
  })

  it('uses the schema of the connection URL', async () => {
    ended(await prisma('spaces?schema=apart', 'migrate', 'deploy'), 0, 'successfully applied')
    assert.deepEqual(await query(server.url('spaces'), `SELECT schemaname FROM pg_tables WHERE tablename = 'Note'`), [
      'apart',
    ])
    ended(await prisma('spaces?schema=apart', 'migrate', 'status'), 0, 'up to date')
  })

  it('resets a database', async () => {
    ended(await prisma('prod', 'migrate', 'reset', '--force'), 0, 'reset successful')
    assert.deepEqual(await query(server.url('prod'), 'SELECT count(*)::int FROM "Note"'), [0])
  })

  it('uses the configured engine', async () => {
    const engine = project.path('schema-engine.mjs')
    process.env['PRISMA_SCHEMA_ENGINE_BINARY'] = project.path('other-engine')
    writeFileSync(project.path('other-engine'), `#!/bin/sh\ntouch ${project.path('used')}\nexec ${engine} "$@"\n`, {
      mode: 0o755,
    })
    const outcome = await prisma('prod', 'migrate', 'deploy')
    delete process.env['PRISMA_SCHEMA_ENGINE_BINARY']
    ended(outcome, 0, 'No pending migrations')
    assert.ok(existsSync(project.path('used')))
  })
})
