import { attemptOf } from './connection'
import { connectionFailure } from './connection-errors'
import { probeDatabase } from './databases'
import { engineFailure } from './errors'
import type { EngineFailure } from './errors'
import { scriptFailure } from './script-errors'
import type { ScriptError } from './script-errors'

/**
 * Says what went wrong with a request.
 *
 * A connection the engine could not get is reported by it in words only. Trying once more tells the code that belongs
 * to it; a database that can be reached was not the reason.
 */
export const explainFailure = async (
  error: unknown,
  scriptError: ScriptError | undefined,
  url: string | undefined,
): Promise<EngineFailure> => {
  const failure = scriptFailure(engineFailure(error), scriptError)
  if (url === undefined || failure.panic || failure.code !== undefined) return failure
  return probeDatabase(url).then(
    () => failure,
    (reason: unknown) => connectionFailure(reason, attemptOf(url)),
  )
}
