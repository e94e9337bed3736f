import cluster from 'node:cluster'
import { processSingleton } from '@/lib/process-singleton'

/** Handles a call from another process. Results are structured clones. */
type Handler = (parameters: readonly string[]) => unknown

type Message =
  | { kind: 'call'; id: number; method: string; parameters: readonly string[] }
  | { kind: 'result'; id: number; value: unknown; error: string | undefined }

/** The calls in both directions over the IPC channel of one process. */
export type Link = {
  /** @throws Error when the handler of the other process does, or when that process ends */
  call: (method: string, parameters: readonly string[]) => Promise<unknown>
  receive: (batch: unknown) => void
  /** Rejects the calls in progress. */
  close: () => void
}

function isBatch(value: unknown): value is { hearth: Message[] } {
  return typeof value === 'object' && value !== null && 'hearth' in value
}

/** Creates a link. The messages of one turn of the event loop are sent as one: IPC costs more per message than per byte. */
export function createLink(send: (batch: { hearth: Message[] }) => void, handlers: Map<string, Handler>): Link {
  const calls = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  let lastId = 0
  let outgoing: Message[] = []
  const post = (message: Message): void => {
    if (outgoing.length === 0) {
      setImmediate(() => {
        const batch = outgoing
        outgoing = []
        send({ hearth: batch })
      })
    }
    outgoing.push(message)
  }
  const respond = async (id: number, method: string, parameters: readonly string[]): Promise<void> => {
    try {
      post({ kind: 'result', id, value: await handlers.get(method)?.(parameters), error: undefined })
    } catch (error) {
      post({ kind: 'result', id, value: undefined, error: String(error) })
    }
  }
  return {
    call: (method, parameters) =>
      new Promise((resolve, reject) => {
        lastId += 1
        calls.set(lastId, { resolve, reject })
        post({ kind: 'call', id: lastId, method, parameters })
      }),
    receive: (batch) => {
      if (!isBatch(batch)) return
      for (const message of batch.hearth) {
        if (message.kind === 'call') void respond(message.id, message.method, message.parameters)
        else {
          const call = calls.get(message.id)
          calls.delete(message.id)
          if (message.error === undefined) call?.resolve(message.value)
          else call?.reject(new Error(message.error))
        }
      }
    },
    close: () => {
      for (const { reject } of calls.values()) reject(new Error('The other process has ended.'))
      calls.clear()
    },
  }
}

const handlers = processSingleton('process-handlers', () => new Map<string, Handler>())

const primary = processSingleton('primary-process', () => {
  const link = createLink((batch) => process.send?.(batch), handlers())
  process.on('message', link.receive)
  return link
})

/** Returns whether this process is one of several that serve the same port, see `WEB_CONCURRENCY`. */
export function isGroupMember(): boolean {
  return cluster.isWorker
}

/** Registers the handler of calls and topics of this name, replacing an earlier one. */
export function onCall(method: string, handler: Handler): void {
  handlers().set(method, handler)
  if (isGroupMember()) primary()
}

/** Returns the handlers of this process. */
export function callHandlers(): Map<string, Handler> {
  return handlers()
}

/** Calls the primary process, which never ends before its members. */
export async function callPrimary(method: string, parameters: readonly string[] = []): Promise<unknown> {
  return primary().call(method, parameters)
}

/** Calls the handler of a topic in all other members, and resolves once they have handled it. */
export async function publish(topic: string, values: readonly string[]): Promise<void> {
  if (isGroupMember()) await callPrimary('publish', [topic, ...values])
}
