import { createInterface } from 'node:readline'
import type { EngineFailure } from './errors'

/** What came of a request: its result, or why there is none. */
export type Answer = { readonly result: unknown } | { readonly failure: EngineFailure }

/** A JSON-RPC request of the CLI; what lacks a method is the acknowledgement of something printed. */
export interface RpcRequest {
  readonly id: unknown
  readonly method: string
  readonly params: unknown
}

const send = (message: Readonly<Record<string, unknown>>): void => {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
}

const parseRequest = (line: string): RpcRequest | undefined => {
  const request: unknown = JSON.parse(line)
  if (typeof request !== 'object' || request === null) return undefined
  if (!('id' in request) || !('method' in request) || typeof request.method !== 'string') return undefined
  return { id: request.id, method: request.method, params: 'params' in request ? request.params : undefined }
}

const errorData = ({ code, message, meta, panic }: EngineFailure): Readonly<Record<string, unknown>> =>
  panic
    ? { is_panic: true, error: { message }, message, backtrace: null }
    : { is_panic: false, message, ...(code === undefined ? {} : { error_code: code, meta: meta ?? {} }) }

// The code and the general message are the native engine's; the CLI shows what is under `data`.
const rpcError = (failure: EngineFailure): Readonly<Record<string, unknown>> => ({
  code: 4466,
  message: 'An error happened. Check the data field for details.',
  data: errorData(failure),
})

/** Has the CLI write something to its own standard output, where `--output` can catch it. */
export const print = (content: string): void => send({ id: 1, method: 'print', params: { content } })

/** Answers requests from standard input one after the other until it ends. */
export const serveRequests = async (answer: (request: RpcRequest) => Promise<Answer>): Promise<void> => {
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const request = line.trim() === '' ? undefined : parseRequest(line)
    if (request === undefined) continue
    const answered = await answer(request)
    if ('failure' in answered) send({ id: request.id, error: rpcError(answered.failure) })
    // A method without a result still has to answer with one, or the CLI takes the response for a broken one.
    else send({ id: request.id, result: answered.result ?? {} })
  }
}
