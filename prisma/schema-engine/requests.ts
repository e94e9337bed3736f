import { setTimeout } from 'node:timers/promises'
import type { EngineArguments } from './arguments'
import { prepareConnections, startEngine } from './engine'
import { explainFailure } from './explain'
import { callMethod } from './methods'
import { untilPanic } from './panics'
import type { Answer, RpcRequest } from './rpc'

/** A connection that waits for a lock closes when it gets it, which may be never; the answer does not wait for it. */
const CLOSING_MS = 3000

/**
 * Answers one request of the CLI with an engine and connections of its own.
 *
 * The advisory lock a command takes belongs to its connection, so it ends with the request; and an engine that comes
 * new to every request remembers nothing that another process may have changed meanwhile.
 */
export const answerRequest = async (options: EngineArguments, request: RpcRequest): Promise<Answer> => {
  const connections = prepareConnections(options)
  try {
    const result = await untilPanic(async () => callMethod(await startEngine(options, connections), request))
    return { result }
  } catch (error) {
    return { failure: await explainFailure(error, connections.scriptError(), options.url) }
  } finally {
    await Promise.race([connections.close().catch(() => undefined), setTimeout(CLOSING_MS)])
  }
}
