import { setPriority } from 'node:os'
import bcrypt from 'bcryptjs'

// On Linux the priority applies to this thread only: hashing yields to the thread that serves requests.
if (process.platform === 'linux') setPriority(10)

/**
 * Verifies or hashes a password; runs in the threads of the password pool.
 * @param {{ password: string, hash: string } | { password: string, cost: number }} task
 * @returns {boolean | string} whether the password matches the hash, or the new hash
 */
export default function work(task) {
  return 'hash' in task ? bcrypt.compareSync(task.password, task.hash) : bcrypt.hashSync(task.password, task.cost)
}
