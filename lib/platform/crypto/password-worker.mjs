import { setPriority } from 'node:os'
import bcrypt from 'bcryptjs'

// On Linux the priority applies to this thread only: hashing yields to the thread that serves requests.
if (process.platform === 'linux') setPriority(10)

/**
 * Verifies or hashes a password; runs in the threads of the password pool. A password that does not match takes as long
 * as a hash at `cost`, even if its own hash is older and has a lower cost: each further cost doubles the work.
 * @param {{ password: string, cost: number, hash?: string }} task
 * @returns {boolean | string} whether the password matches the hash, or the new hash
 */
export default function work(task) {
  const { password, cost, hash } = task
  if (hash === undefined) return bcrypt.hashSync(password, cost)
  if (bcrypt.compareSync(password, hash)) return true
  for (let done = bcrypt.getRounds(hash); done < cost; done += 1) bcrypt.hashSync(password, done)
  return false
}
