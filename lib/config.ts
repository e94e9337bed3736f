import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import Joi from 'joi'
import { parseDatabaseUrl } from './database-url'
import { processSingleton } from './process-singleton'
import { object, oneOf, type Infer, type Schema } from './validation'

type Environment = Record<string, string | undefined>

function commaSeparated(item: Joi.StringSchema): Schema<string[]> {
  return Joi.any<string[]>()
    .custom((text: string, helpers) => {
      const items = text.split(',').map((part) => part.trim())
      const error = items.map((part) => item.required().validate(part).error).find((found) => found !== undefined)
      return error === undefined ? items : helpers.error('list.item', { problem: error.details[0]?.message })
    })
    .messages({ 'list.item': '{{#label}}: {{#problem}}' })
}

const origin = Joi.string().custom((text: string, helpers) =>
  URL.canParse(text) && new URL(text).origin === text ? text : helpers.error('any.invalid'),
)

/** Secrets of examples and documents, and texts of few different characters, which an attacker would try first. */
const secret = Joi.string()
  .min(32)
  .custom((text: string, helpers) =>
    new Set(text).size < 8 || /change.?(me|this)|your.?secret|example.?secret|secret.?example/i.test(text)
      ? helpers.error('secret.weak')
      : text,
  )
  .messages({
    'string.min': 'each secret needs 32 bytes or more',
    'secret.weak': 'each secret must be random: create one with `openssl rand -base64 48`',
  })

const integer = (min: number, max: number) => Joi.number().integer().min(min).max(max)
const url = (...scheme: string[]) => Joi.string().uri({ scheme })
/** A PostgreSQL connection URL, which may name several hosts. */
const databaseUrl = () =>
  Joi.string()
    .custom((text: string, helpers) => {
      try {
        parseDatabaseUrl(text)
        return text
      } catch (error) {
        return helpers.error('database.url', { problem: error instanceof Error ? error.message : '' })
      }
    })
    .messages({ 'database.url': '{{#label}} {{#problem}}' })
const email = () => Joi.string().email({ tlds: { allow: false } })
/** Requests per window; 0 disables the limit. */
const maxRequests = integer(0, 1_000_000_000)
/** Rows that one user or family may have. */
const maxRows = integer(1, 1_000_000_000)
const bytes = Joi.number().integer().min(0)
const windowSeconds = integer(1, 86_400)

/** `hearth@example.com` or `Hearth <hearth@example.com>`. */
const mailbox = Joi.string()
  .pattern(/^([^\p{Cc}<>@]+ )?<[^\s\p{Cc}<>@]+@[^\s\p{Cc}<>@]+>$|^[^\s\p{Cc}<>@]+@[^\s\p{Cc}<>@]+$/u)
  .messages({ 'string.pattern.base': '{{#label}} must look like Hearth <hearth@example.com>' })

const schema = object({
  optional: {
    DATABASE_URL: databaseUrl(),
    DATABASE_DIRECT_URL: databaseUrl(),
    DATABASE_CA_FILE: Joi.string(),
    DATABASE_STATEMENTS: oneOf('named', 'unnamed'),
    REDIS_URL: url('redis', 'rediss'),
    SMTP_URL: url('smtp', 'smtps'),
    CONTACT_TO: email(),
    JWT_SECRET: commaSeparated(secret).when('DATABASE_URL', { is: Joi.exist(), then: Joi.required() }),
    ADMIN_EMAIL: email().trim().lowercase(),
    ADMIN_PASSWORD: Joi.string()
      .min(8)
      .custom((text: string, helpers) =>
        Buffer.byteLength(text) > 72 ? helpers.error('string.max', { limit: 72 }) : text,
      ),
    RATE_LIMIT_LOGIN_ATTEMPTS_PER_ADDRESS: maxRequests,
    METRICS_TOKEN: Joi.string().min(16),
    CRON_SECRET: Joi.string().min(16),
    FILES_S3_BUCKET: Joi.string(),
    AWS_REGION: Joi.string().when('FILES_S3_BUCKET', { is: Joi.exist(), then: Joi.required() }),
  },
  defaulted: {
    PORT: Joi.number().port().default(3000),
    HOST: Joi.string().when('DATABASE_URL', {
      is: Joi.exist(),
      then: Joi.string().default('0.0.0.0'),
      otherwise: Joi.string().default('127.0.0.1'),
    }),
    DATA_DIR: Joi.string().default('.data'),
    DATABASE_POOL_MAX: integer(1, 1000).default(10),
    DATABASE_QUERY_TIMEOUT_MS: integer(500, 600_000).default(3_000),
    WEB_CONCURRENCY: Joi.alternatives<'auto' | number>(Joi.valid('auto'), integer(1, 256))
      .messages({
        'alternatives.types': '{{#label}} must be auto or a number from 1 to 256',
        'alternatives.match': '{{#label}} must be auto or a number from 1 to 256',
      })
      .default(1),
    MAX_CONNECTIONS: integer(1, 1_000_000).default(20_000),
    MAX_REQUESTS_IN_PROGRESS: integer(1, 1_000_000).default(20_000),
    MAX_REQUESTS_IN_PROGRESS_PER_ADDRESS: integer(1, 1_000_000).default(2_000),
    APP_URL: url('http', 'https').default('http://localhost:5173'),
    MAIL_FROM: mailbox.default('Hearth <hearth@localhost>'),
    WORKER: oneOf('inline', 'off').default('inline'),
    ACCESS_TOKEN_TTL_SECONDS: integer(1, 86_400).default(900),
    REFRESH_TOKEN_TTL_SECONDS: integer(1, 31_536_000).default(604_800),
    SESSION_INACTIVITY_DAYS: integer(0, 365).default(0),
    RESET_TOKEN_TTL_SECONDS: integer(1, 604_800).default(3600),
    VERIFY_TOKEN_TTL_SECONDS: integer(1, 2_592_000).default(86_400),
    AUDIT_RETENTION_DAYS: integer(1, 36_500).default(365),
    EVENTS_RETENTION_DAYS: integer(1, 3_650).default(7),
    EVENT_STREAMS_MAX: integer(1, 1_000_000).default(5_000),
    EVENT_STREAMS_PER_USER: integer(1, 1_000_000).default(20),
    MAILS_PER_RECIPIENT_PER_HOUR: integer(0, 1_000_000).default(10),
    INVITATION_TTL_SECONDS: integer(1, 31_536_000).default(604_800),
    BCRYPT_COST: integer(4, 16).default(12),
    PASSWORD_DENY_LIST: Joi.boolean().default(true),
    OPEN_SIGNUP: Joi.boolean().default(true),
    CORS_ORIGINS: commaSeparated(origin).default([]),
    TRUST_PROXY: integer(0, 32).default(0),
    RATE_LIMIT_REQUESTS: maxRequests.default(300),
    RATE_LIMIT_WINDOW_SECONDS: windowSeconds.default(60),
    RATE_LIMIT_LOGIN_ATTEMPTS: maxRequests.default(10),
    RATE_LIMIT_LOGIN_WINDOW_SECONDS: windowSeconds.default(900),
    RATE_LIMIT_STRICT_REQUESTS: maxRequests.default(20),
    RATE_LIMIT_STRICT_WINDOW_SECONDS: windowSeconds.default(3600),
    POSTS_PER_USER: maxRows.default(10_000),
    FAMILIES_PER_USER: maxRows.default(100),
    INVITATIONS_PER_FAMILY: maxRows.default(100),
    FILES_PER_USER: maxRows.default(10_000),
    FILES_QUOTA_BYTES: bytes.default(1_073_741_824),
    FILES_TOTAL_BYTES: bytes.default(1_099_511_627_776),
    FILES_MIN_FREE_BYTES: bytes.default(536_870_912),
    FILES_S3_PATH_STYLE: Joi.boolean().default(false),
    LOG_LEVEL: oneOf('silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace').default('info'),
  },
})
  .and('ADMIN_EMAIL', 'ADMIN_PASSWORD')
  .prefs({ abortEarly: false, convert: true, errors: { wrap: { label: false } } })

/** The names of all settings. */
export const CONFIG_NAMES: readonly string[] = Object.keys(schema.describe()['keys'])

/** Requests per window; 0 requests disable the limit. */
export type RateLimit = { maxRequests: number; windowSeconds: number }

/** All requests; those of all API keys of a user; failed logins per account and address, and per address; anonymous requests that cost e-mails, rows or hashing. */
export type RateLimits = Record<
  'general' | 'apiKeysOfUser' | 'loginAttempts' | 'loginAttemptsOfAddress' | 'strict',
  RateLimit
>

/** The parsed configuration. */
export type Config = ReturnType<typeof toConfig>

function toConfig(value: Infer<typeof schema>, production: boolean) {
  const { ADMIN_EMAIL, ADMIN_PASSWORD, FILES_S3_BUCKET, AWS_REGION } = value
  const general = { maxRequests: value.RATE_LIMIT_REQUESTS, windowSeconds: value.RATE_LIMIT_WINDOW_SECONDS }
  const loginAttempts = {
    maxRequests: value.RATE_LIMIT_LOGIN_ATTEMPTS,
    windowSeconds: value.RATE_LIMIT_LOGIN_WINDOW_SECONDS,
  }
  const { RATE_LIMIT_LOGIN_ATTEMPTS_PER_ADDRESS: attemptsOfAddress = 10 * loginAttempts.maxRequests } = value
  const rateLimits: RateLimits = {
    general,
    apiKeysOfUser: { ...general, maxRequests: 2 * general.maxRequests },
    loginAttempts,
    loginAttemptsOfAddress: { ...loginAttempts, maxRequests: attemptsOfAddress },
    strict: { maxRequests: value.RATE_LIMIT_STRICT_REQUESTS, windowSeconds: value.RATE_LIMIT_STRICT_WINDOW_SECONDS },
  }
  const jwtSecrets: readonly string[] = value.JWT_SECRET ?? []
  const corsOrigins: readonly string[] = value.CORS_ORIGINS
  return {
    port: value.PORT,
    host: value.HOST,
    /** Absolute. */
    dataDir: resolve(value.DATA_DIR),
    databaseUrl: value.DATABASE_URL,
    /** For migrations, the worker and session locks, which do not work over a transaction pooler. */
    databaseDirectUrl: value.DATABASE_DIRECT_URL ?? value.DATABASE_URL,
    databaseCaFile: value.DATABASE_CA_FILE,
    /** Undefined: named on direct connections, unnamed over a pooler. */
    databaseStatements: value.DATABASE_STATEMENTS,
    databasePoolMax: value.DATABASE_POOL_MAX,
    databaseQueryTimeoutMs: value.DATABASE_QUERY_TIMEOUT_MS,
    /** Processes that serve the port; 1 is this process alone. */
    webConcurrency: value.WEB_CONCURRENCY === 'auto' ? availableParallelism() : value.WEB_CONCURRENCY,
    maxConnections: value.MAX_CONNECTIONS,
    maxRequestsInProgress: value.MAX_REQUESTS_IN_PROGRESS,
    maxRequestsInProgressPerAddress: value.MAX_REQUESTS_IN_PROGRESS_PER_ADDRESS,
    redisUrl: value.REDIS_URL,
    appUrl: value.APP_URL.replace(/\/+$/, ''),
    /** Without it e-mails are written to files. */
    smtpUrl: value.SMTP_URL,
    mailFrom: value.MAIL_FROM,
    /** The address that contact messages are mailed to. */
    contactTo: value.CONTACT_TO ?? /<(.+)>$/.exec(value.MAIL_FROM)?.[1] ?? value.MAIL_FROM,
    /** `inline`: the server also runs the jobs of the queue. */
    worker: value.WORKER,
    /** The first signs, all verify. */
    jwtSecrets,
    accessTokenTtlSeconds: value.ACCESS_TOKEN_TTL_SECONDS,
    refreshTokenTtlSeconds: value.REFRESH_TOKEN_TTL_SECONDS,
    /** Days without a request after which a session ends; 0 disables the limit. */
    sessionInactivityDays: value.SESSION_INACTIVITY_DAYS,
    resetTokenTtlSeconds: value.RESET_TOKEN_TTL_SECONDS,
    verifyTokenTtlSeconds: value.VERIFY_TOKEN_TTL_SECONDS,
    auditRetentionDays: value.AUDIT_RETENTION_DAYS,
    eventsRetentionDays: value.EVENTS_RETENTION_DAYS,
    /** Of one process. */
    eventStreamsMax: value.EVENT_STREAMS_MAX,
    eventStreamsPerUser: value.EVENT_STREAMS_PER_USER,
    /** Over all templates; 0 disables the limit. */
    mailsPerRecipientPerHour: value.MAILS_PER_RECIPIENT_PER_HOUR,
    invitationTtlSeconds: value.INVITATION_TTL_SECONDS,
    bcryptCost: value.BCRYPT_COST,
    /** Rejects new passwords that are common, the e-mail address or the name. */
    passwordDenyList: value.PASSWORD_DENY_LIST,
    openSignup: value.OPEN_SIGNUP,
    admin:
      ADMIN_EMAIL === undefined || ADMIN_PASSWORD === undefined
        ? undefined
        : { email: ADMIN_EMAIL, password: ADMIN_PASSWORD },
    corsOrigins,
    trustProxy: value.TRUST_PROXY,
    rateLimits,
    /** Without it metrics are only served to loopback addresses. */
    metricsToken: value.METRICS_TOKEN,
    postsPerUser: value.POSTS_PER_USER,
    /** Families of which the user is an owner. */
    familiesPerUser: value.FAMILIES_PER_USER,
    /** Pending ones. */
    invitationsPerFamily: value.INVITATIONS_PER_FAMILY,
    filesPerUser: value.FILES_PER_USER,
    /** Without it POST /api/jobs/run is rejected. */
    cronSecret: value.CRON_SECRET,
    /** Per owner. */
    filesQuotaBytes: value.FILES_QUOTA_BYTES,
    /** Of all owners together. */
    filesTotalBytes: value.FILES_TOTAL_BYTES,
    /** Free space of the disk below which uploads are rejected. */
    filesMinFreeBytes: value.FILES_MIN_FREE_BYTES,
    /** Without it files are stored below `dataDir`. Endpoint and credentials are the AWS SDK's own variables. */
    filesS3:
      FILES_S3_BUCKET === undefined || AWS_REGION === undefined
        ? undefined
        : { bucket: FILES_S3_BUCKET, region: AWS_REGION, pathStyle: value.FILES_S3_PATH_STYLE },
    logLevel: value.LOG_LEVEL,
    production,
  }
}

/** Parses an environment, in which an empty value counts as unset. Returns one message per error. */
export function parseConfig(environment: Environment): { settings: Config } | { errors: string[] } {
  const given = CONFIG_NAMES.map((name) => [name, environment[name] === '' ? undefined : environment[name]])
  const result = schema.validate(Object.fromEntries(given))
  if (result.error !== undefined) return { errors: result.error.details.map((detail) => detail.message) }
  return { settings: toConfig(result.value, environment['NODE_ENV'] === 'production') }
}

/** Returns the configuration of the process. The first call parses the environment, unless `setConfig` came before. */
export const config = processSingleton<Config>('config', () => {
  const parsed = parseConfig(process.env)
  if ('errors' in parsed) throw new Error(`Invalid configuration:\n${parsed.errors.join('\n')}`)
  return parsed.settings
})

/** Installs the configuration of the process after start-up has filled in defaults (database URL, secrets). */
export function setConfig(complete: Config): void {
  config.replace(complete)
}

/** Returns the environment, for starting other programs and for parsing the configuration at start-up. */
export function environment(): Environment {
  return process.env
}

/** Sets NODE_ENV, which is all that Next.js looks at. */
export function setNodeEnvironment(mode: 'production' | 'development'): void {
  Object.assign(process.env, { NODE_ENV: mode })
}
