import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openApiDocument } from '@/lib/openapi/document'
import { runNode } from '../support/run-node'

const redocly = createRequire(join(process.cwd(), 'package.json')).resolve('@redocly/cli/bin/cli.js')

/** Runs Redocly's linter on a document. */
async function lint(document: unknown): Promise<{ code: number | null; output: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-openapi-'))
  try {
    const file = join(folder, 'openapi.json')
    await writeFile(file, JSON.stringify(document, null, 2))
    return await runNode([redocly, 'lint', file, '--config', 'redocly.yaml'], {
      REDOCLY_TELEMETRY: 'off',
      REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

describe('Redocly’s linter', () => {
  it('reports no error in the OpenAPI document', async () => {
    const { code, output } = await lint(openApiDocument())
    expect(output).toContain('Your API description is valid')
    expect(code).toBe(0)
  })

  it('fails when the document is invalid', async () => {
    const { info: _info, ...rest } = openApiDocument()
    const { code, output } = await lint({ ...rest, info: { title: 'Hearth', version: '1' } })
    expect(output).toContain('info-license')
    expect(code).toBe(1)
  })

  it('applies all strict rules', async () => {
    expect(await readFile('redocly.yaml', 'utf8')).toBe('extends:\n  - recommended-strict\n')
  })
})
