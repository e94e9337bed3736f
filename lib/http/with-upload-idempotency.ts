import type { NextApiRequest, NextApiResponse } from 'next'
import type { CommitDecision, StoredFile } from '@/lib/domains/files/service'
import { runIdempotent, type IdempotentResult } from '@/lib/platform/idempotency/service'
import type { Context } from './context'
import {
  callerOf,
  idempotencyKeyOf,
  sendOutcome,
  toStoredResponse,
  toStoredErrorResponse,
  type CreatedResponse,
} from './with-idempotency'

/** An upload: what stores it, what it is answered with, and what besides the bytes must be the same for it to be a repeat. */
export type OnceUploaded = {
  store: (finish: CommitDecision<IdempotentResult>) => Promise<IdempotentResult>
  answer: (file: StoredFile) => CreatedResponse
  request: readonly string[]
}

/**
 * Answers an upload as `withIdempotency` answers JSON. What a body is, is known when its last byte was hashed: only then is it
 * decided whether the bytes become a file or go away again because they are those of a repeat.
 */
export async function sendUploadedOnce(
  req: NextApiRequest,
  res: NextApiResponse,
  context: Context,
  { store, answer, request }: OnceUploaded,
): Promise<void> {
  const key = idempotencyKeyOf(req)
  if (key === undefined) {
    const complete: CommitDecision<IdempotentResult>['complete'] = async (_sha256, commit) => ({
      response: toStoredResponse(answer((await commit()).file)),
      isReplayed: false,
    })
    sendOutcome(res, await store({ hashRejectedBody: false, complete }))
    return
  }
  const [path] = (req.url ?? '').split('?')
  const caller = await callerOf(context)
  const complete: CommitDecision<IdempotentResult>['complete'] = (sha256, commit) =>
    runIdempotent(
      { caller, route: `${req.method} ${path}`, key, request: JSON.stringify([...request, sha256]) },
      async () => toStoredResponse(answer((await commit()).file)),
      (thrown) => toStoredErrorResponse(thrown, context.requestId),
    )
  sendOutcome(res, await store({ hashRejectedBody: true, complete }))
}
