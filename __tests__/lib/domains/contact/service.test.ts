import { randomUUID } from 'node:crypto'
import type { Email } from 'postal-mime'
import { config, setConfig } from '@/lib/config'
import { mailContactMessage, receiveContactMessage } from '@/lib/domains/contact/service'
import { startWorker } from '@/lib/worker/worker'
import { prisma } from '@/lib/platform/db/prisma'
import { uniqueEmail } from '../../../support/factories'
import { useMailFolder, writtenMails } from '../../../support/mail'
import { waitFor } from '../../../support/wait'

useMailFolder()

const message = (given: { name?: string; source?: string } = {}) => ({
  name: 'Ada Lovelace',
  email: uniqueEmail(),
  message: `Is the engine still for sale? ${randomUUID()}`,
  ...given,
})

const getId = async (email: string) => (await prisma().contactMessage.findFirstOrThrow({ where: { email } })).id

/** Returns the only mail that contains this text. */
async function mailWith(text: string): Promise<Email> {
  const [mail, ...others] = (await writtenMails()).filter((each) => each.text?.includes(text) === true)
  if (mail === undefined || others.length > 0) throw new Error(`${others.length + Number(mail !== undefined)} mails`)
  return mail
}

it('mails a stored message to CONTACT_TO with the visitor as Reply-To, and records the delivery', async () => {
  setConfig({ ...config(), contactTo: 'office@example.test' })
  const worker = await startWorker(config().databaseUrl ?? '')
  try {
    const given = message({ source: 'footer' })
    await receiveContactMessage(given)
    const id = await getId(given.email)
    await waitFor('the delivery', async () => {
      const row = await prisma().contactMessage.findUniqueOrThrow({ where: { id } })
      return row.deliveredAt !== null
    })
    const mail = await mailWith(given.message)
    expect(mail.to).toEqual([{ name: '', address: 'office@example.test' }])
    expect(mail.replyTo).toEqual([{ name: 'Ada Lovelace', address: given.email }])
    expect(mail.subject).toBe('Message from Ada Lovelace')
    expect(mail.text).toContain('footer')
  } finally {
    await worker.stop()
  }
})

it('mails no message twice, and skips deleted messages', async () => {
  const given = message()
  await receiveContactMessage(given)
  const id = await getId(given.email)
  await mailContactMessage({ contactMessageId: id, mailId: randomUUID() })
  await mailContactMessage({ contactMessageId: id, mailId: randomUUID() })
  await mailWith(given.message)
  await prisma().contactMessage.delete({ where: { id } })
  await mailContactMessage({ contactMessageId: id, mailId: randomUUID() })
})

it.each([
  'Ada "The Countess" Lovelace',
  'Ada <all@example.test>',
  'all@example.test, Ada',
  'Ада Лавлейс',
  'Ada; Bcc: all@example.test',
  'Ada\\',
  'Ada\u2028Bcc: all@example.test',
  // Mail clients show it decoded, but as a name.
  '=?utf-8?Q?Bcc:_all?=',
])('does not interpret the name %j as an address', async (name) => {
  const given = message({ name })
  await receiveContactMessage(given)
  await mailContactMessage({ contactMessageId: await getId(given.email), mailId: randomUUID() })
  const mail = await mailWith(given.message)
  expect(mail.headers.map(({ key }) => key).toSorted()).toEqual(
    [
      ...['auto-submitted', 'content-transfer-encoding', 'content-type', 'date', 'from', 'message-id', 'mime-version'],
      ...['reply-to', 'subject', 'to'],
    ].toSorted(),
  )
  const shown = name.startsWith('=?') ? 'Bcc: all' : name.replace('\u2028', ' ')
  expect(mail.replyTo).toEqual([{ name: shown, address: given.email }])
})
