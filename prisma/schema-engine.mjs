#!/usr/bin/env node
// Prisma's CLI starts its schema engine by path, without a shell or flags, so the file it is given has to be runnable
// as it stands: this one only makes TypeScript loadable and hands over.
import { createRequire } from 'node:module'
import { register } from 'tsx/cjs/api'

register()
createRequire(import.meta.url)('./schema-engine/main.ts')
