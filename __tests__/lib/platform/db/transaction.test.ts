import { databasePool, prisma } from '@/lib/platform/db/prisma'
import { afterCommit, inTransaction } from '@/lib/platform/db/transaction'
import { api } from '../../../support/api'
import { uniqueEmail } from '../../../support/factories'
import { createFamilyFixture } from '../../../support/families'
import { expectErrorsInLog } from '../../../support/log'
import { waitFor } from '../../../support/wait'

const add = (email: string) => prisma().user.create({ data: { email } })
const isThere = async (email: string) => (await prisma().user.count({ where: { email } })) === 1

describe('inTransaction', () => {
  it('includes all queries of its work and rolls them back together', async () => {
    const email = uniqueEmail()
    const work = inTransaction(async () => {
      await add(email)
      expect(await isThere(email)).toBe(true)
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
    expect(await isThere(email)).toBe(false)
  })

  it('rolls back only the nested transaction that failed, also by a constraint and in $transaction', async () => {
    const [outer, inner] = [uniqueEmail(), uniqueEmail()]
    await inTransaction(async () => {
      await add(outer)
      const twice = inTransaction(async () => {
        await add(inner)
        await add(outer)
      })
      await expect(twice).rejects.toMatchObject({ code: 'P2002' })
      const again = prisma().$transaction(async (transaction) => transaction.user.create({ data: { email: outer } }))
      await expect(again).rejects.toMatchObject({ code: 'P2002' })
      expect(await isThere(outer)).toBe(true)
    })
    expect([await isThere(outer), await isThere(inner)]).toEqual([true, false])
  })

  it('isolates concurrent transactions', async () => {
    const emails = Array.from({ length: 4 }, uniqueEmail)
    const results = await Promise.allSettled(
      emails.map((email, index) =>
        inTransaction(async () => {
          await add(email)
          if (index % 2 === 1) throw new Error('no')
        }),
      ),
    )
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected'])
    expect(await Promise.all(emails.map(isThere))).toEqual([true, false, true, false])
  })

  it('runs after-commit hooks after the outermost commit, except those of a rollback', async () => {
    const done: string[] = []
    await afterCommit(() => done.push('immediately'))
    await inTransaction(async () => {
      await afterCommit(() => done.push('outer'))
      await inTransaction(async () => afterCommit(() => done.push('inner')))
      await inTransaction(async () => {
        await afterCommit(() => done.push('rolled back'))
        throw new Error('no')
      }).catch(() => {})
      expect(done).toEqual(['immediately'])
    })
    expect(done).toEqual(['immediately', 'outer', 'inner'])
  })

  it('stays committed when an after-commit hook fails', async () => {
    expectErrorsInLog()
    const email = uniqueEmail()
    await inTransaction(async () => {
      await add(email)
      await afterCommit(() => Promise.reject(new Error('no')))
    })
    expect(await isThere(email)).toBe(true)
  })

  it('does not include queries that run after its end', async () => {
    let late: Promise<boolean> | undefined
    const ended = { settle: () => {} }
    const end = new Promise<void>((resolve) => (ended.settle = resolve))
    const email = uniqueEmail()
    await inTransaction(async () => {
      late = end.then(() => isThere(email))
      await add(email)
    })
    ended.settle()
    expect(await late).toBe(true)
  })
})

describe('inTransaction with concurrent transactions', () => {
  const rename = (email: string, name: string) => prisma().user.update({ where: { email }, data: { name } })
  const nameOf = async (email: string) => (await prisma().user.findUnique({ where: { email } }))?.name

  /** Returns a barrier at which the first two callers wait for each other; later callers pass. */
  function barrier(): () => Promise<void> {
    let arrived = 0
    let open = () => {}
    const both = new Promise<void>((resolve) => (open = resolve))
    return async () => {
      arrived += 1
      if (arrived === 2) open()
      await both
    }
  }

  it('repeats all work after a deadlock, and runs after-commit hooks once', async () => {
    const emails = [uniqueEmail(), uniqueEmail()] as const
    for (const email of emails) await add(email)
    const meet = barrier()
    let attempts = 0
    const followed: string[] = []
    const swap = (name: string, first: string, second: string) =>
      inTransaction(async () => {
        attempts += 1
        await afterCommit(() => followed.push(name))
        await rename(first, name)
        await meet()
        await inTransaction(async () => rename(second, name))
        return name
      })
    const results = await Promise.all([swap('one', ...emails), swap('other', emails[1], emails[0])])
    expect(results).toEqual(['one', 'other'])
    expect(attempts).toBe(3)
    expect(followed.toSorted()).toEqual(['one', 'other'])
    expect(await nameOf(emails[0])).toBe(await nameOf(emails[1]))
  })

  it('repeats the work after a serialization failure with the data written meanwhile', async () => {
    const email = uniqueEmail()
    await add(email)
    let attempts = 0
    await inTransaction(async () => {
      attempts += 1
      await prisma().$executeRaw`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`
      const name = await nameOf(email)
      if (attempts === 1) await databasePool().query('UPDATE users SET name = $1 WHERE email = $2', ['theirs', email])
      await rename(email, `${name} and mine`)
    })
    expect([attempts, await nameOf(email)]).toEqual([2, 'theirs and mine'])
  })

  it('throws SERVICE_UNAVAILABLE after four attempts', async () => {
    let attempts = 0
    const work = inTransaction(async () => {
      attempts += 1
      await prisma().$executeRaw`DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END $$`
    })
    await expect(work).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE', headers: { 'Retry-After': '1' } })
    expect(attempts).toBe(4)
  })

  it('does not retry after other errors', async () => {
    let attempts = 0
    const work = inTransaction(async () => {
      attempts += 1
      await prisma().$executeRaw`SELECT 1 / 0`
    })
    await expect(work).rejects.toThrow('division by zero')
    expect(attempts).toBe(1)
  })
})

describe('a request whose transaction deadlocks', () => {
  it('succeeds and creates one post', async () => {
    const { owner, family } = await createFamilyFixture()
    const json = { title: 'Once', content: 'x', visibility: 'family', familyId: family.id }
    const client = await databasePool().connect()
    try {
      // This transaction holds the lock that the insertion requests last, and requests one that the insertion holds.
      await client.query('BEGIN')
      await client.query('SELECT 1 FROM users WHERE id = $1 FOR UPDATE', [owner.user.id])
      const headers = { 'Idempotency-Key': 'deadlocked' }
      const response = api('POST', '/api/posts', { token: owner.token, json, headers })
      await waitFor('the insertion to wait', async () => {
        const { rows } = await client.query('SELECT FROM pg_locks WHERE NOT granted')
        return rows.length > 0
      })
      await client.query('SELECT 1 FROM families WHERE id = $1 FOR UPDATE', [family.id]).catch(() => undefined)
      await client.query('ROLLBACK')
      expect((await response).status).toBe(201)
    } finally {
      client.release()
    }
    expect(await prisma().post.count({ where: { familyId: family.id } })).toBe(1)
  })
})
