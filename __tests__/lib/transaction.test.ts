import { prisma } from '@/lib/prisma'
import { afterCommit, inTransaction } from '@/lib/transaction'
import { freshEmail } from '../support/factories'
import { expectErrorsInLog } from '../support/log'

const add = (email: string) => prisma().user.create({ data: { email } })
const isThere = async (email: string) => (await prisma().user.count({ where: { email } })) === 1

describe('a transaction', () => {
  it('carries every query below it, and is undone as a whole', async () => {
    const email = freshEmail()
    const work = inTransaction(async () => {
      await add(email)
      expect(await isThere(email)).toBe(true)
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
    expect(await isThere(email)).toBe(false)
  })

  it('undoes only the inner part when that fails, also of a constraint and through $transaction', async () => {
    const [outer, inner] = [freshEmail(), freshEmail()]
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
    const emails = Array.from({ length: 4 }, freshEmail)
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
    const email = freshEmail()
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
    const email = freshEmail()
    await inTransaction(async () => {
      late = end.then(() => isThere(email))
      await add(email)
    })
    ended.settle()
    expect(await late).toBe(true)
  })
})
