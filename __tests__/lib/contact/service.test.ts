import { randomUUID } from 'node:crypto'
import { settings, useSettings } from '@/lib/config'
import { mailContactMessage, receiveContactMessage } from '@/lib/contact/service'
import { startWorker } from '@/lib/jobs/worker'
import { prisma } from '@/lib/prisma'
import { freshEmail } from '../../support/factories'
import { useMailFolder, writtenMails } from '../../support/mail'
import { waitFor } from '../../support/wait'

useMailFolder()

const message = (given: { name?: string; source?: string } = {}) => ({
  name: 'Ada Lovelace',
  email: freshEmail(),
  message: `Is the engine still for sale? ${randomUUID()}`,
  ...given,
})

const idOf = async (email: string) => (await prisma().contactMessage.findFirstOrThrow({ where: { email } })).id

/** The header part of the one mail that has this text in it, unfolded, by line. */
async function headersOfMailWith(text: string): Promise<string[]> {
  const mails = (await writtenMails()).filter((mail) => mail.includes(text))
  expect(mails).toHaveLength(1)
  return (mails[0]?.split('\r\n\r\n')[0] ?? '').replace(/\r\n\s+/g, ' ').split('\r\n')
}

it('mails a kept message to CONTACT_TO, to be answered to the visitor, and notes that it left', async () => {
  useSettings({ ...settings(), contactTo: 'office@example.test' })
  const worker = await startWorker(settings().databaseUrl ?? '')
  try {
    const given = message({ source: 'footer' })
    await receiveContactMessage(given)
    const id = await idOf(given.email)
    await waitFor('the delivery', async () => {
      const row = await prisma().contactMessage.findUniqueOrThrow({ where: { id } })
      return row.deliveredAt !== null
    })
    const headers = await headersOfMailWith(given.email)
    expect(headers).toContain('To: office@example.test')
    expect(headers).toContain(`Reply-To: Ada Lovelace <${given.email}>`)
    expect(headers).toContain('Subject: Message from Ada Lovelace')
    const [mail = ''] = (await writtenMails()).filter((each) => each.includes(given.email))
    expect(mail.replace(/=\r\n/g, '')).toContain(given.message)
    expect(mail).toContain('footer')
  } finally {
    await worker.stop()
  }
})

it('mails no message twice, and does without one that was deleted', async () => {
  const given = message()
  await receiveContactMessage(given)
  const id = await idOf(given.email)
  await mailContactMessage({ contactMessageId: id, mailId: randomUUID() })
  await mailContactMessage({ contactMessageId: id, mailId: randomUUID() })
  await headersOfMailWith(given.email)
  await prisma().contactMessage.delete({ where: { id } })
  await mailContactMessage({ contactMessageId: id, mailId: randomUUID() })
})

it.each([
  'Ada "The Countess" Lovelace',
  'Ada <all@example.test>',
  'all@example.test, Ada',
  'Ада Лавлейс',
  '=?utf-8?Q?Bcc:_all?=',
  'Ada; Bcc: all@example.test',
  'Ada\\',
  'Ada\u2028Bcc: all@example.test',
])('makes no more of the name %j than a name', async (name) => {
  const given = message({ name })
  await receiveContactMessage(given)
  await mailContactMessage({ contactMessageId: await idOf(given.email), mailId: randomUUID() })
  const headers = await headersOfMailWith(given.email)
  const names = headers.map((line) => line.split(':')[0])
  expect(names.toSorted()).toEqual(
    [
      ...['Auto-Submitted', 'Content-Transfer-Encoding', 'Content-Type', 'Date', 'From', 'MIME-Version', 'Message-ID'],
      ...['Reply-To', 'Subject', 'To'],
    ].toSorted(),
  )
  const replyTo = headers.find((line) => line.startsWith('Reply-To: ')) ?? ''
  // What is quoted or encoded is a name; outside of it stands one address alone.
  expect(replyTo.replace(/"(\\.|[^"\\])*"|=\?[^?]*\?[^?]*\?[^?]*\?=/g, '').match(/[^\s<>]+@[^\s<>]+/g)).toEqual([
    given.email,
  ])
})
