import { defineConfig } from 'prisma/config'

const url = process.env['DATABASE_URL']

export default defineConfig({
  schema: 'schema.prisma',
  migrations: { path: 'migrations', seed: 'node --require tsx/cjs prisma/seed.ts' },
  ...(url ? { datasource: { url } } : {}),
})
