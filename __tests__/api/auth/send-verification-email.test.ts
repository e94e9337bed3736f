import { databasePool } from '@/lib/platform/db/prisma'
import { api } from '../../support/api'
import { createApiKey, createUser, signIn } from '../../support/factories'
import { mailedTokens, mailsTo, useMailFolder } from '../../support/mail'
import { waitFor } from '../../support/wait'
import { useWorker } from '../../support/worker'

useMailFolder()

useWorker()

const VERIFY = 'Confirm your e-mail address'

const verify = (token: string) => api('POST', '/api/auth/verify-email', { json: { token } })

const sendVerification = (token: string) => api('POST', '/api/auth/send-verification-email', { token })

const queueIsEmpty = () =>
  waitFor('the queue to be empty', async () => {
    const { rows } = await databasePool().query<{ count: number }>(
      `SELECT count(*)::int FROM graphile_worker.jobs WHERE task_identifier <> 'clean-up'`,
    )
    return rows[0]?.count === 0
  })

describe('POST /api/auth/send-verification-email', () => {
  it('queues an e-mail, unless the address is verified', async () => {
    const { user, token: accessToken } = await signIn()
    expect((await sendVerification(accessToken)).status).toBe(204)
    const [token = ''] = await mailedTokens(user.email, VERIFY)
    await verify(token)
    expect((await sendVerification(accessToken)).status).toBe(204)
    await queueIsEmpty()
    expect(await mailsTo(user.email, VERIFY)).toHaveLength(1)
  })

  it('returns 401 without credentials', async () => {
    expect((await api('POST', '/api/auth/send-verification-email')).status).toBe(401)
  })

  it('returns 403 for an API key', async () => {
    const { key } = await createApiKey(await createUser(), ['users:write'])
    expect((await sendVerification(key)).status).toBe(403)
  })
})
