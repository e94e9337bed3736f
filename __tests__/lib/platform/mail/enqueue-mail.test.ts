import { config, setConfig } from '@/lib/config'
import { prisma } from '@/lib/platform/db/prisma'
import { enqueueMail } from '@/lib/platform/mail/enqueue-mail'
import { deleteOldMailCounters } from '@/lib/platform/mail/repository'
import { uniqueEmail } from '../../../support/factories'

const original = config()
beforeAll(() => setConfig({ ...original, mailsPerRecipientPerHour: 3 }))
afterAll(() => setConfig(original))

const TEMPLATES = ['password-changed', 'email-changed', 'api-key-created'] as const

async function enqueueMails(to: string, count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      enqueueMail({ to, content: { template: TEMPLATES[index % TEMPLATES.length] ?? 'email-changed' } }),
    ),
  )
}

async function countQueued(to: string): Promise<number> {
  const rows = await prisma().$queryRaw<unknown[]>`
    SELECT 1 FROM graphile_worker._private_jobs WHERE payload->>'to' = ${to}`
  return rows.length
}

describe('enqueueMail', () => {
  it('drops e-mails beyond the hourly limit of the recipient, over all templates', async () => {
    const [flooded, other] = [uniqueEmail(), uniqueEmail()]
    await enqueueMails(flooded, 12)
    await enqueueMails(other, 1)
    expect([await countQueued(flooded), await countQueued(other)]).toEqual([3, 1])
  })

  it('counts anew after an hour, also once the counter is deleted', async () => {
    const email = uniqueEmail()
    await enqueueMails(email, 4)
    await prisma().$executeRaw`UPDATE mail_counters SET window_start = now() - interval '61 minutes'`
    await enqueueMails(email, 1)
    expect(await countQueued(email)).toBe(4)
    await prisma().$executeRaw`UPDATE mail_counters SET window_start = now() - interval '61 minutes'`
    expect(await deleteOldMailCounters()).toBeGreaterThan(0)
    await enqueueMails(email, 1)
    expect(await countQueued(email)).toBe(5)
  })
})
