import type * as Operator from '@/lib/domains/auth/admin/service'
import { withDatabase } from './with-database'

const USAGE = `npm run admin -- <command> <e-mail address>

  make-admin       makes the account an admin's; a new one, where there is none
  reset-password   gives the account a new password, shown once, and ends its sessions
  sessions         lists the account's sessions
  end-sessions     ends them`

const say = (line: string) => process.stdout.write(`${line}\n`)
const complain = (line: string) => process.stderr.write(`${line}\n`)

async function run(command: string, email: string): Promise<void> {
  // What uses the Prisma client can only be loaded once it was generated.
  const operator: typeof Operator = require('@/lib/domains/auth/admin/service')
  switch (command) {
    case 'make-admin': {
      const { password } = await operator.makeAdmin(email)
      say(`${email} is an admin.${password === undefined ? '' : ` Password, shown this once: ${password}`}`)
      return
    }
    case 'reset-password':
      say(`The new password of ${email}, shown this once: ${await operator.resetPassword(email)}`)
      return
    case 'sessions': {
      const sessions = await operator.sessionsOf(email)
      for (const { id, lastUsedAt, ip, userAgent } of sessions) {
        say([id, `last used ${lastUsedAt.toISOString()}`, ip ?? '-', userAgent ?? '-'].join('  '))
      }
      say(`${sessions.length} session${sessions.length === 1 ? '' : 's'}`)
      return
    }
    default:
      say(`${await operator.endSessionsOf(email)} sessions ended`)
  }
}

/** `npm run admin`: for those who are locked out, beside a server that runs or without one. */
async function main(): Promise<void> {
  const [command = '', email = '', ...rest] = process.argv.slice(2)
  const known = ['make-admin', 'reset-password', 'sessions', 'end-sessions'].includes(command)
  if (!known || !email.includes('@') || rest.length > 0) {
    complain(USAGE)
    process.exitCode = 1
    return
  }
  await withDatabase(process.cwd(), complain, () => run(command, email.trim().toLowerCase()))
}

main().catch((error: unknown) => {
  complain(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
})
