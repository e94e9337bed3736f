import { parseArgs } from 'node:util'

/** What the CLI asks of the engine on its command line. */
export interface EngineArguments {
  /** Paths of the schema files; their content is read by the engine. */
  readonly datamodels: readonly string[]
  /** The database of the Prisma config file, when one is configured. */
  readonly url: string | undefined
  /** The database to replay migrations in, when one is configured. */
  readonly shadowDatabaseUrl: string | undefined
  /** The words after the flags, such as `cli can-connect-to-database`; none means "serve requests". */
  readonly command: readonly string[]
  /** Whether only the version is asked for. */
  readonly version: boolean
}

const stringField = (value: unknown, field: string): string | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  const found: unknown = Reflect.get(value, field)
  return typeof found === 'string' && found !== '' ? found : undefined
}

/** Reads the command line the native engine would be started with; flags that only concern it are accepted. */
export const parseEngineArguments = (argv: readonly string[]): EngineArguments => {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      datamodels: { type: 'string', multiple: true },
      datasource: { type: 'string' },
      'enabled-preview-features': { type: 'string' },
      'extension-types': { type: 'string' },
      version: { type: 'boolean', short: 'V' },
    },
  })
  const datasource: unknown = values.datasource === undefined ? undefined : JSON.parse(values.datasource)
  return {
    datamodels: values.datamodels ?? [],
    url: stringField(datasource, 'url'),
    shadowDatabaseUrl: stringField(datasource, 'shadowDatabaseUrl'),
    command: positionals,
    version: values.version ?? false,
  }
}
