import { get, type ClientRequest, type IncomingMessage } from 'node:http'
import type { ReceivedEvent } from './events'
import { waitFor } from './wait'

export type OpenStream = {
  response: IncomingMessage
  events: ReceivedEvent[]
  text: () => string
  isClosed: () => boolean
  close: () => void
}

/** Opens an event stream over HTTP and collects what it receives. */
export async function openStream(url: string, headers: Record<string, string> = {}): Promise<OpenStream> {
  const request: ClientRequest = get(url, { headers, agent: false })
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject)
  })
  const events: ReceivedEvent[] = []
  let text = ''
  let parsedTo = 0
  let closed = false
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    text += chunk
    for (let end = text.indexOf('\n\n', parsedTo); end >= 0; end = text.indexOf('\n\n', parsedTo)) {
      const block = text.slice(parsedTo, end)
      parsedTo = end + 2
      const data = /^data: (.*)$/m.exec(block)?.[1]
      if (data !== undefined) events.push(JSON.parse(data))
    }
  })
  const end = () => {
    closed = true
  }
  response.on('error', end).on('close', end)
  return { response, events, text: () => text, isClosed: () => closed, close: () => request.destroy() }
}

/** Waits until a stream has received this many events. */
export async function received(stream: OpenStream, count: number): Promise<ReceivedEvent[]> {
  await waitFor(`${count} events`, () => stream.events.length >= count)
  return stream.events
}
