import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { config } from '@/lib/config'
import { migrateQueue } from '@/lib/platform/queue/migrate'
import { enqueue } from '@/lib/platform/queue/enqueue'
import { startWorker, type JobWorker } from '@/lib/worker/worker'
import { databasePool, prisma } from '@/lib/platform/db/prisma'
import { inTransaction } from '@/lib/platform/db/transaction'
import { startDatabaseProxy } from '../../support/database-proxy'
import { dropDatabase, createDatabase } from '../../support/databases'
import { createUser } from '../../support/factories'
import { expectErrorsInLog, loggedLines } from '../../support/log'
import { mailsTo, useMailFolder } from '../../support/mail'
import { waitFor } from '../../support/wait'

useMailFolder()

const databaseUrl = () => config().databaseUrl ?? ''

const notice = (to: string) => ({
  messageId: randomUUID(),
  to,
  content: { template: 'password-changed' as const },
})

async function jobRow(id: string): Promise<{ attempts: number; locked_by: string | null } | undefined> {
  const { rows } = await databasePool().query<{ attempts: number; locked_by: string | null }>(
    'SELECT attempts, locked_by FROM graphile_worker._private_jobs WHERE id = $1',
    [id],
  )
  return rows[0]
}

const isDone = (id: string) => waitFor(`job ${id}`, async () => (await jobRow(id)) === undefined)

describe('the job queue', () => {
  let worker: JobWorker | undefined

  afterEach(async () => {
    await worker?.stop()
    worker = undefined
  })

  it('runs the jobs of committed transactions only', async () => {
    worker = await startWorker(databaseUrl())
    const lost = inTransaction(async () => {
      await enqueue('send-mail', notice('lost@example.test'))
      throw new Error('no')
    })
    await expect(lost).rejects.toThrow('no')
    const id = await inTransaction(() => enqueue('send-mail', notice('kept@example.test')))
    await isDone(id)
    expect(await mailsTo('kept@example.test')).toHaveLength(1)
    expect(await mailsTo('lost@example.test')).toEqual([])
  })

  it('runs jobs that were enqueued before the start, each on one of several workers', async () => {
    const to = `${randomUUID()}@example.test`
    const ids = await Promise.all(Array.from({ length: 20 }, () => enqueue('send-mail', notice(to))))
    const others = await Promise.all([startWorker(databaseUrl()), startWorker(databaseUrl())])
    for (const id of ids) await isDone(id)
    await Promise.all(others.map((other) => other.stop()))
    expect(await mailsTo(to)).toHaveLength(20)
    expect(loggedLines().filter((line) => line['msg'] === 'job done')).toHaveLength(20)
  })

  it('retries after a delay, and logs the last failure without the payload', async () => {
    expectErrorsInLog()
    const id = await enqueue(
      'send-mail',
      {
        messageId: randomUUID(),
        to: 'secret@example.test',
        content: { template: 'reset-password', encryptedToken: 'none.of-ours' },
      },
      { maxAttempts: 2 },
    )
    worker = await startWorker(databaseUrl())
    await waitFor('the first failure', () => loggedLines().some((line) => line['msg'] === 'job failed'))
    await waitFor('the release', async () => (await jobRow(id))?.locked_by === null)
    const { rows } = await databasePool().query<{ pause: number }>(
      'SELECT extract(epoch FROM run_at - now())::float AS pause FROM graphile_worker._private_jobs WHERE id = $1',
      [id],
    )
    expect(rows[0]?.pause).toBeGreaterThan(1)
    await waitFor('the last failure', () => loggedLines().some((line) => line['msg'] === 'job failed permanently'))
    expect(loggedLines().find((line) => line['msg'] === 'job failed permanently')).toMatchObject({
      level: 'error',
      job: 'send-mail',
      jobId: id,
      attempt: 2,
    })
    expect(JSON.stringify(loggedLines())).not.toContain('secret@example.test')
  })

  it('takes over the jobs of a killed worker but not of a running one', async () => {
    const [orphan, held] = [
      await enqueue('send-mail', notice('orphan@example.test')),
      await enqueue('send-mail', notice('held@example.test')),
    ]
    const take = (id: string, by: string) =>
      databasePool().query(
        `UPDATE graphile_worker._private_jobs
         SET locked_by = $2, locked_at = now() - interval '1 minute', attempts = 1 WHERE id = $1`,
        [id, by],
      )
    await take(orphan, 'pool-dead')
    await take(held, 'pool-alive')
    const alive = new Client({ connectionString: databaseUrl() })
    await alive.connect()
    await alive.query(`SELECT pg_advisory_lock(hashtextextended('hearth.worker/pool-alive', 0))`)
    worker = await startWorker(databaseUrl())
    await isDone(orphan)
    expect((await jobRow(held))?.locked_by).toBe('pool-alive')
    await alive.end()
    await isDone(held)
  })

  it('continues after its connections are terminated', async () => {
    worker = await startWorker(databaseUrl())
    await databasePool().query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    )
    const id = await waitFor('a connection', () =>
      enqueue('send-mail', notice('after@example.test')).catch(() => undefined),
    )
    await isDone(id)
  })

  it.each(['cut', 'silence'] as const)('continues after a database outage of seconds (%s)', async (fault) => {
    const proxy = await startDatabaseProxy(new URL(databaseUrl()))
    worker = await startWorker(proxy.url)
    proxy[fault]()
    const id = await enqueue('send-mail', notice('later@example.test'))
    await sleep(3_000)
    expect((await jobRow(id))?.attempts).toBe(0)
    proxy.mend()
    await isDone(id)
    await worker.stop()
    worker = undefined
    proxy.close()
  })

  it('cleans up expired records', async () => {
    const user = await createUser()
    const session = await prisma().session.create({
      data: { userId: user.id, amr: ['pwd'], expiresAt: new Date(Date.now() - 8 * 86_400_000) },
    })
    const id = await enqueue('clean-up', {})
    worker = await startWorker(databaseUrl())
    await isDone(id)
    expect(await prisma().session.findUnique({ where: { id: session.id } })).toBeNull()
  })
})

describe('the migration of the queue', () => {
  it('can run concurrently and repeatedly', async () => {
    const name = `queue_${randomUUID()}`
    const url = await createDatabase(name, 'template0')
    await Promise.all([migrateQueue(url), migrateQueue(url), migrateQueue(url)])
    await migrateQueue(url)
    await dropDatabase(name)
  })
})
