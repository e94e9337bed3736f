import { once } from 'node:events'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerSession } from 'smtp-server'

export type TestSmtpServer = {
  url: string
  /** What it accepted, parsed, with the addresses of the envelope. */
  received: { mail: Email; from: string; to: string[] }[]
  /** How many mails it still takes in whole without saying so: the response is lost. */
  responsesToLose: number
  close: () => Promise<void>
}

/** A real mail server on this machine, at a port of choice or any; it wants a name and password. */
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
        done(lost ? new Error('The response is lost.') : undefined)
      })
    },
  })
  // Clients that break off are a part of the tests.
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
