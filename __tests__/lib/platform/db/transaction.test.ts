import { databasePool, prisma } from '@/lib/platform/db/prisma'
import { afterCommit, inTransaction } from '@/lib/platform/db/transaction'
import { api } from '../../../support/api'
import { uniqueEmail } from '../../../support/factories'
import { createFamilyFixture } from '../../../support/families'
import { expectErrorsInLog } from '../../../support/log'
import { waitFor } from '../../../support/wait'

const add = (email: string) => prisma().user.create({ data: { email } })
const isThere = async (email: string) => (await prisma().user.count({ where: { email } })) === 1

describe('a transaction', () => {
  it('carries every query below it, and is undone as a whole', async () => {
    const email = uniqueEmail()
    const work = inTransaction(async () => {
      await add(email)
      expect(await isThere(email)).toBe(true)
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
    expect(await isThere(email)).toBe(false)
  })

  it('undoes only the inner part when that fails, also of a constraint and through $transaction', async () => {
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

  it('keeps transactions at the same time apart', async () => {
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

  it('does what follows the commit after it, and not what was undone', async () => {
    const done: string[] = []
    await afterCommit(() => done.push('at once'))
    await inTransaction(async () => {
      await afterCommit(() => done.push('outer'))
      await inTransaction(async () => afterCommit(() => done.push('inner')))
      await inTransaction(async () => {
        await afterCommit(() => done.push('undone'))
        throw new Error('no')
      }).catch(() => {})
      expect(done).toEqual(['at once'])
    })
    expect(done).toEqual(['at once', 'outer', 'inner'])
  })

  it('stands when what follows it fails', async () => {
    expectErrorsInLog()
    const email = uniqueEmail()
    await inTransaction(async () => {
      await add(email)
      await afterCommit(() => Promise.reject(new Error('no')))
    })
    expect(await isThere(email)).toBe(true)
  })

  it('leaves work alone that goes on after its end', async () => {
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

describe('a transaction that PostgreSQL undoes for the sake of others', () => {
  const rename = (email: string, name: string) => prisma().user.update({ where: { email }, data: { name } })
  const nameOf = async (email: string) => (await prisma().user.findUnique({ where: { email } }))?.name

  /** Lets two come together at a point once each, and whoever comes again pass. */
  function meeting(): () => Promise<void> {
    let come = 0
    let open = () => {}
    const both = new Promise<void>((resolve) => (open = resolve))
    return async () => {
      come += 1
      if (come === 2) open()
      await both
    }
  }

  it('is done again after a deadlock, whole, and what follows the commit once', async () => {
    const emails = [uniqueEmail(), uniqueEmail()] as const
    for (const email of emails) await add(email)
    const meet = meeting()
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

  it('is done again after a serialization failure, with what others wrote meanwhile', async () => {
    const email = uniqueEmail()
    await add(email)
    let attempts = 0
    await inTransaction(async (transaction) => {
      attempts += 1
      await transaction.$executeRaw`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`
      const name = await nameOf(email)
      if (attempts === 1) await databasePool().query('UPDATE users SET name = $1 WHERE email = $2', ['theirs', email])
      await rename(email, `${name} and mine`)
    })
    expect([attempts, await nameOf(email)]).toEqual([2, 'theirs and mine'])
  })

  it('is given up after a few attempts, as something to try again later', async () => {
    let attempts = 0
    const work = inTransaction(async (transaction) => {
      attempts += 1
      await transaction.$executeRaw`DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END $$`
    })
    await expect(work).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE', headers: { 'Retry-After': '1' } })
    expect(attempts).toBe(4)
  })

  it('is not done again for any other failure', async () => {
    let attempts = 0
    const work = inTransaction(async (transaction) => {
      attempts += 1
      await transaction.$executeRaw`SELECT 1 / 0`
    })
    await expect(work).rejects.toThrow('division by zero')
    expect(attempts).toBe(1)
  })
})

describe('a request in whose transaction there is a deadlock', () => {
  it('is answered as if there had been none, and creates once', async () => {
    const { owner, family } = await createFamilyFixture()
    const json = { title: 'Once', content: 'x', visibility: 'family', familyId: family.id }
    const client = await databasePool().connect()
    try {
      // The other side holds what the insertion of a post asks for last, and asks for what that holds by then.
      await client.query('BEGIN')
      await client.query('SELECT 1 FROM users WHERE id = $1 FOR UPDATE', [owner.user.id])
      const headers = { 'Idempotency-Key': 'deadlocked' }
      const made = api('POST', '/api/posts', { token: owner.token, json, headers })
      await waitFor('the insertion to wait', async () => {
        const { rows } = await client.query('SELECT FROM pg_locks WHERE NOT granted')
        return rows.length > 0
      })
      await client.query('SELECT 1 FROM families WHERE id = $1 FOR UPDATE', [family.id]).catch(() => undefined)
      await client.query('ROLLBACK')
      expect((await made).status).toBe(201)
    } finally {
      client.release()
    }
    expect(await prisma().post.count({ where: { familyId: family.id } })).toBe(1)
  })
})
