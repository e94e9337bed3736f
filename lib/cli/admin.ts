import * as adminCli from '@/lib/domains/auth/admin-cli-service'
import { takeoverNotice } from './takeover-notice'
import { withDatabase } from './with-database'

const USAGE = `npm run admin -- <command> <e-mail address>

  make-admin       makes the account an admin, creating it if needed; one that is not an admin yet gets a new
                   password, shown once, and its sessions and API keys are revoked
  reset-password   sets a new password, shown once, and revokes all sessions and API keys
  sessions         lists the active sessions
  end-sessions     revokes all sessions
  revoke-keys      revokes all API keys`

const print = (line: string) => process.stdout.write(`${line}\n`)
const printError = (line: string) => process.stderr.write(`${line}\n`)

/** Escapes what could control the terminal, such as the C1 characters of a User-Agent. */
const printable = (text: string) =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`)

async function run(command: string, email: string): Promise<void> {
  switch (command) {
    case 'make-admin': {
      const { appointment, password } = await adminCli.makeAdmin(email)
      if (appointment.outcome === 'takenOver') print(takeoverNotice(email, appointment))
      print(`${email} is an admin.${password === undefined ? '' : ` Password (shown once): ${password}`}`)
      return
    }
    case 'reset-password':
      print(`New password of ${email} (shown once): ${await adminCli.resetPassword(email)}`)
      return
    case 'sessions': {
      const sessions = await adminCli.listAccountSessions(email)
      for (const { id, lastUsedAt, ip, userAgent } of sessions) {
        print([id, `last used ${lastUsedAt.toISOString()}`, ip ?? '-', printable(userAgent ?? '-')].join('  '))
      }
      print(`${sessions.length} session${sessions.length === 1 ? '' : 's'}`)
      return
    }
    case 'revoke-keys':
      print(`${await adminCli.revokeAccountApiKeys(email)} API keys revoked`)
      return
    default:
      print(`${await adminCli.revokeAccountSessions(email)} sessions revoked`)
  }
}

/** Runs `npm run admin`, next to a running server or without one. */
async function main(): Promise<void> {
  const [command = '', email = '', ...rest] = process.argv.slice(2)
  const known = ['make-admin', 'reset-password', 'sessions', 'end-sessions', 'revoke-keys'].includes(command)
  if (!known || !email.includes('@') || rest.length > 0) {
    printError(USAGE)
    process.exitCode = 1
    return
  }
  await withDatabase(process.cwd(), printError, () => run(command, email.trim().toLowerCase()))
}

main().catch((error: unknown) => {
  printError(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
})
