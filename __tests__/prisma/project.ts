import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** The exit code and the output of a command. */
export interface IdempotentResult {
  readonly code: number | null
  readonly output: string
}

/** A temporary project with this project's Prisma files and packages. */
export interface TemporaryProject {
  readonly path: (...names: readonly string[]) => string
  readonly write: (name: string, content: string) => void
  readonly addMigration: (name: string, sql: string) => void
  readonly prisma: (databaseUrl: string | undefined, ...args: readonly string[]) => Promise<IdempotentResult>
  readonly remove: () => void
}

const SOURCE = join(process.cwd(), 'prisma')
const FILES = ['schema-engine.mjs', 'schema-engine']

export const SCHEMA = `generator client {
  provider = "prisma-client"
  output   = "./generated"
}

datasource db {
  provider = "postgresql"
}

enum Status {
  DRAFT
  PUBLISHED
}

model Author {
  id    Int    @id @default(autoincrement())
  name  String
  notes Note[]
}

model Note {
  id       Int    @id @default(autoincrement())
  title    String
  status   Status @default(DRAFT)
  authorId Int
  author   Author @relation(fields: [authorId], references: [id], onDelete: Cascade)

  @@index([authorId])
}
`

const SEED = `import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from './generated/client'

const main = async () => {
  const client = new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }) })
  await client.author.create({ data: { name: 'Ada', notes: { create: { title: 'First' } } } })
  process.stdout.write('notes: ' + (await client.note.count()) + ' ' + process.argv.slice(2).join(' '))
  await client.$disconnect()
}

void main()
`

const environment = (databaseUrl: string | undefined): NodeJS.ProcessEnv => {
  const { DATABASE_URL, ...rest } = process.env
  return databaseUrl === undefined ? rest : { ...rest, DATABASE_URL: databaseUrl }
}

const runCli = (folder: string, databaseUrl: string | undefined, args: readonly string[]): Promise<IdempotentResult> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['node_modules/prisma/build/index.js', ...args], {
      cwd: folder,
      env: environment(databaseUrl),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const chunks: string[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(String(chunk)))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output: chunks.join('') }))
  })

/** Copies the Prisma files of this project into a temporary folder. */
export const createProject = (): TemporaryProject => {
  const folder = mkdtempSync(join(tmpdir(), 'prisma-project-'))
  const path = (...names: readonly string[]): string => join(folder, 'prisma', ...names)
  const write = (name: string, content: string): void => writeFileSync(path(name), content)
  mkdirSync(path())
  for (const name of FILES) cpSync(join(SOURCE, name), path(name), { recursive: true })
  cpSync('prisma.config.ts', join(folder, 'prisma.config.ts'))
  symlinkSync(join(dirname(SOURCE), 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  write('schema.prisma', SCHEMA)
  write('seed.ts', SEED)
  return {
    path,
    write,
    addMigration: (name, sql) => {
      mkdirSync(path('migrations', name), { recursive: true })
      write(join('migrations', name, 'migration.sql'), sql)
    },
    prisma: (databaseUrl, ...args) => runCli(folder, databaseUrl, args),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
