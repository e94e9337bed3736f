import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const enginesFolder = (): string => {
  const prisma = createRequire(__filename).resolve('prisma/package.json')
  return dirname(createRequire(prisma).resolve('@prisma/engines/package.json'))
}

/** A binary of another platform, or half a download, is no engine: only one that answers here counts. */
const runsHere = (path: string): boolean => spawnSync(path, ['--version'], { stdio: 'ignore' }).status === 0

/** Finds a native schema engine a former `prisma` run or install script left beside Prisma's packages. */
export const findNativeEngine = (): string | undefined => {
  const folder = enginesFolder()
  return readdirSync(folder)
    .filter((name) => /^schema-engine-[a-z0-9.-]+$/.test(name) && !/\.(gz|sha256|tmp)$/.test(name))
    .map((name) => join(folder, name))
    .find(runsHere)
}
