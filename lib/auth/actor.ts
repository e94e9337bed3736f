import type { Role } from '@/lib/users/schema'

/** Who makes a request: the account behind the credentials, as it is now. */
export type Actor = {
  userId: number
  role: Role
  /** The sign-in that the access token belongs to. */
  sessionId: string
}
