import type { NextApiRequest, NextApiResponse } from 'next'
import type { Finish, StoredFile } from '@/lib/files/service'
import { answerOnce, type Outcome } from '@/lib/idempotency/service'
import type { Context } from './context'
import { callerOf, idempotencyKeyOf, sendOutcome, toKept, toKeptRefusal, type Created } from './idempotent'

/** An upload: what stores it, what it is answered with, and what besides the bytes must be the same for it to be a repeat. */
export type OnceUploaded = {
  store: (finish: Finish<Outcome>) => Promise<Outcome>
  answer: (file: StoredFile) => Created
  request: readonly string[]
}

/**
 * Answers an upload as `idempotent` answers JSON. What a body is, is known when its last byte was hashed: only then is it
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
    const complete: Finish<Outcome>['complete'] = async (_sha256, commit) => ({
      answer: toKept(answer((await commit()).file)),
      isReplayed: false,
    })
    sendOutcome(res, await store({ hashesRefused: false, complete }))
    return
  }
  const [path] = (req.url ?? '').split('?')
  const caller = await callerOf(context)
  const complete: Finish<Outcome>['complete'] = (sha256, commit) =>
    answerOnce(
      { caller, route: `${req.method} ${path}`, key, request: JSON.stringify([...request, sha256]) },
      async () => toKept(answer((await commit()).file)),
      (thrown) => toKeptRefusal(thrown, context.requestId),
    )
  sendOutcome(res, await store({ hashesRefused: true, complete }))
}
