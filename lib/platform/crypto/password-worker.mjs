import { setPriority } from 'node:os'
import bcrypt from 'bcryptjs'

// Linux gives each thread a priority of its own: hashing yields to the thread that answers requests.
if (process.platform === 'linux') setPriority(10)

/**
 * The work of one thread of the password pool.
 * @param {{ password: string, hash: string } | { password: string, cost: number }} task
 * @returns {boolean | string} whether the password fits the hash, or the new hash
 */
export default function work(task) {
  return 'hash' in task ? bcrypt.compareSync(task.password, task.hash) : bcrypt.hashSync(task.password, task.cost)
}
