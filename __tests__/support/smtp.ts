import { once } from 'node:events'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerSession } from 'smtp-server'

export type TestSmtpServer = {
  url: string
  /** Accepted mails, parsed, with the addresses of the envelope. */
  received: { mail: Email; from: string; to: string[] }[]
  /** The number of mails that it still accepts without a successful reply. */
  responsesToLose: number
  close: () => Promise<void>
}

/** Starts an SMTP server that requires a user name and password. */
export async function startSmtpServer(port = 0): Promise<TestSmtpServer> {
  const received: TestSmtpServer['received'] = []
  const take = async (session: SMTPServerSession, content: Buffer) => {
    const { mailFrom, rcptTo } = session.envelope
    received.push({
      mail: await PostalMime.parse(content),
      from: mailFrom === false ? '' : mailFrom.address,
      to: rcptTo.map((recipient) => recipient.address),
    })
  }
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _session, done) =>
      username === 'hearth' && password === 'p@ss' ? done(null, { user: username }) : done(new Error('No.')),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', async () => {
        await take(session, Buffer.concat(chunks))
        const lost = running.responsesToLose > 0
        if (lost) running.responsesToLose -= 1
        done(lost ? new Error('The reply is lost.') : undefined)
      })
    },
  })
  // Some tests close the connection early.
  server.on('error', () => undefined)
  const listener = server.listen(port, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  const running: TestSmtpServer = {
    url: `smtp://hearth:p%40ss@127.0.0.1:${typeof address === 'object' && address !== null ? address.port : port}`,
    received,
    responsesToLose: 0,
    close: () => new Promise((resolve) => server.close(resolve)),
  }
  return running
}
