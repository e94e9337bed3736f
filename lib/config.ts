import { resolve } from 'node:path'
import Joi from 'joi'
import { processSingleton } from './process-singleton'

type Environment = Record<string, string | undefined>

const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

const commaSeparated = (item: Joi.StringSchema) =>
  Joi.string()
    .empty('')
    .custom((text: string, helpers) => {
      const items = text.split(',').map((part) => part.trim())
      const fault = items.map((part) => item.required().validate(part).error).find((error) => error !== undefined)
      return fault === undefined ? items : helpers.error('list.item', { fault: fault.details[0]?.message })
    })
    .messages({ 'list.item': '{{#label}}: {{#fault}}' })

const origin = Joi.string().custom((text: string, helpers) =>
  URL.canParse(text) && new URL(text).origin === text ? text : helpers.error('any.invalid'),
)

/** How often something may be done in a window; 0 switches the limit off. */
const limitedTimes = Joi.number().integer().min(0).max(1_000_000_000)
const windowSeconds = Joi.number().integer().min(1).max(86_400)

/** `hearth@example.com` or `Hearth <hearth@example.com>`. */
const mailbox = Joi.string()
  .pattern(/^([^\p{Cc}<>@]+ )?<[^\s\p{Cc}<>@]+@[^\s\p{Cc}<>@]+>$|^[^\s\p{Cc}<>@]+@[^\s\p{Cc}<>@]+$/u)
  .messages({ 'string.pattern.base': '{{#label}} must look like Hearth <hearth@example.com>' })

const schema = Joi.object({
  PORT: Joi.number().port().default(3000),
  HOST: Joi.string().when('DATABASE_URL', {
    is: Joi.exist(),
    then: Joi.string().default('0.0.0.0'),
    otherwise: Joi.string().default('127.0.0.1'),
  }),
  DATA_DIR: Joi.string().default('.data'),
  DATABASE_URL: Joi.string()
    .empty('')
    .uri({ scheme: ['postgresql', 'postgres'] }),
  DATABASE_POOL_MAX: Joi.number().integer().min(1).max(1000).default(10),
  REDIS_URL: Joi.string()
    .empty('')
    .uri({ scheme: ['redis', 'rediss'] }),
  APP_URL: Joi.string()
    .uri({ scheme: ['http', 'https'] })
    .default('http://localhost:5173'),
  SMTP_URL: Joi.string()
    .empty('')
    .uri({ scheme: ['smtp', 'smtps'] }),
  MAIL_FROM: mailbox.default('Hearth <hearth@localhost>'),
  CONTACT_TO: Joi.string()
    .empty('')
    .email({ tlds: { allow: false } }),
  WORKER: Joi.string().valid('inline', 'off').default('inline'),
  JWT_SECRET: commaSeparated(
    Joi.string().min(32).messages({ 'string.min': 'each secret needs 32 bytes or more' }),
  ).when('DATABASE_URL', { is: Joi.exist(), then: Joi.required() }),
  ACCESS_TOKEN_TTL_SECONDS: Joi.number().integer().min(1).max(86_400).default(900),
  REFRESH_TOKEN_TTL_SECONDS: Joi.number().integer().min(1).max(31_536_000).default(604_800),
  RESET_TOKEN_TTL_SECONDS: Joi.number().integer().min(1).max(604_800).default(3600),
  VERIFY_TOKEN_TTL_SECONDS: Joi.number().integer().min(1).max(2_592_000).default(86_400),
  INVITATION_TTL_SECONDS: Joi.number().integer().min(1).max(31_536_000).default(604_800),
  PASSWORD_HASH_COST: Joi.number().integer().min(4).max(16).default(12),
  OPEN_SIGNUP: Joi.boolean().default(true),
  ADMIN_EMAIL: Joi.string()
    .empty('')
    .trim()
    .lowercase()
    .email({ tlds: { allow: false } }),
  ADMIN_PASSWORD: Joi.string()
    .empty('')
    .min(8)
    .custom((text: string, helpers) =>
      Buffer.byteLength(text) > 72 ? helpers.error('string.max', { limit: 72 }) : text,
    ),
  CORS_ORIGINS: commaSeparated(origin).default([]),
  TRUST_PROXY: Joi.number().integer().min(0).max(32).default(0),
  RATE_LIMIT_REQUESTS: limitedTimes.default(300),
  RATE_LIMIT_WINDOW_SECONDS: windowSeconds.default(60),
  RATE_LIMIT_SIGN_INS: limitedTimes.default(10),
  RATE_LIMIT_SIGN_IN_WINDOW_SECONDS: windowSeconds.default(900),
  RATE_LIMIT_STRICT_REQUESTS: limitedTimes.default(20),
  RATE_LIMIT_STRICT_WINDOW_SECONDS: windowSeconds.default(3600),
  METRICS_TOKEN: Joi.string().empty('').min(16),
  FILES_QUOTA_BYTES: Joi.number().integer().min(0).default(1_073_741_824),
  FILES_S3_BUCKET: Joi.string().empty(''),
  FILES_S3_PATH_STYLE: Joi.boolean().default(false),
  AWS_REGION: Joi.string().when('FILES_S3_BUCKET', { is: Joi.exist(), then: Joi.required() }),
  LOG_LEVEL: Joi.string()
    .valid(...LOG_LEVELS)
    .default('info'),
})
  .and('ADMIN_EMAIL', 'ADMIN_PASSWORD')
  .prefs({ abortEarly: false, convert: true, errors: { wrap: { label: false } } })

/** The names of all settings, in the order of `.env.example`. */
export const CONFIG_NAMES: readonly string[] = Object.keys(schema.describe()['keys'])

/** How often something may be done in a window; 0 times switches the limit off. */
export type RateLimit = { times: number; windowSeconds: number }

/** All requests; failed sign-ins per account and address; what strangers may do that costs mail, rows or hashing. */
export type RateLimits = Record<'general' | 'signIns' | 'strict', RateLimit>

/** All settings, parsed. Times are in seconds unless the name says otherwise. */
export type Config = {
  port: number
  host: string
  /** Absolute. */
  dataDir: string
  databaseUrl: string | undefined
  databasePoolMax: number
  redisUrl: string | undefined
  appUrl: string
  /** Without it mail is written to files. */
  smtpUrl: string | undefined
  mailFrom: string
  /** The address that messages of the contact form are mailed to. */
  contactTo: string
  /** `inline`: this server runs the jobs of the queue too. */
  worker: 'inline' | 'off'
  /** The first signs, all verify. */
  jwtSecrets: readonly string[]
  accessTokenTtlSeconds: number
  refreshTokenTtlSeconds: number
  resetTokenTtlSeconds: number
  verifyTokenTtlSeconds: number
  invitationTtlSeconds: number
  passwordHashCost: number
  openSignup: boolean
  admin: { email: string; password: string } | undefined
  corsOrigins: readonly string[]
  trustProxy: number
  rateLimits: RateLimits
  /** None: the figures are for this machine alone. */
  metricsToken: string | undefined
  /** For each owner. */
  filesQuotaBytes: number
  /** Where files lie, if not below `dataDir`. Endpoint and credentials are the AWS SDK's own variables. */
  filesS3: { bucket: string; region: string; pathStyle: boolean } | undefined
  logLevel: string
  production: boolean
}

/** The address of a mailbox such as `Hearth <hearth@example.com>`. */
function addressOf(mailbox: string): string {
  return /<(.+)>$/.exec(mailbox)?.[1] ?? mailbox
}

/** Parses an environment; the faults are sentences, one each. Empty values count as not set. */
export function parseConfig(environment: Environment): { settings: Config } | { faults: string[] } {
  const given = Object.fromEntries(
    CONFIG_NAMES.map((name) => [name, environment[name] === '' ? undefined : environment[name]]),
  )
  const result = schema.validate(given)
  if (result.error !== undefined) return { faults: result.error.details.map((detail) => detail.message) }
  const value = result.value
  return {
    settings: {
      port: value.PORT,
      host: value.HOST,
      dataDir: resolve(value.DATA_DIR),
      databaseUrl: value.DATABASE_URL,
      databasePoolMax: value.DATABASE_POOL_MAX,
      redisUrl: value.REDIS_URL,
      appUrl: value.APP_URL.replace(/\/+$/, ''),
      smtpUrl: value.SMTP_URL,
      mailFrom: value.MAIL_FROM,
      contactTo: value.CONTACT_TO ?? addressOf(value.MAIL_FROM),
      worker: value.WORKER,
      jwtSecrets: value.JWT_SECRET ?? [],
      accessTokenTtlSeconds: value.ACCESS_TOKEN_TTL_SECONDS,
      refreshTokenTtlSeconds: value.REFRESH_TOKEN_TTL_SECONDS,
      resetTokenTtlSeconds: value.RESET_TOKEN_TTL_SECONDS,
      verifyTokenTtlSeconds: value.VERIFY_TOKEN_TTL_SECONDS,
      invitationTtlSeconds: value.INVITATION_TTL_SECONDS,
      passwordHashCost: value.PASSWORD_HASH_COST,
      openSignup: value.OPEN_SIGNUP,
      admin: value.ADMIN_EMAIL === undefined ? undefined : { email: value.ADMIN_EMAIL, password: value.ADMIN_PASSWORD },
      corsOrigins: value.CORS_ORIGINS,
      trustProxy: value.TRUST_PROXY,
      rateLimits: {
        general: { times: value.RATE_LIMIT_REQUESTS, windowSeconds: value.RATE_LIMIT_WINDOW_SECONDS },
        signIns: { times: value.RATE_LIMIT_SIGN_INS, windowSeconds: value.RATE_LIMIT_SIGN_IN_WINDOW_SECONDS },
        strict: { times: value.RATE_LIMIT_STRICT_REQUESTS, windowSeconds: value.RATE_LIMIT_STRICT_WINDOW_SECONDS },
      },
      metricsToken: value.METRICS_TOKEN,
      filesQuotaBytes: value.FILES_QUOTA_BYTES,
      filesS3:
        value.FILES_S3_BUCKET === undefined
          ? undefined
          : { bucket: value.FILES_S3_BUCKET, region: value.AWS_REGION, pathStyle: value.FILES_S3_PATH_STYLE },
      logLevel: value.LOG_LEVEL,
      production: environment['NODE_ENV'] === 'production',
    },
  }
}

/** Returns the configuration of the process. The first call parses the environment, unless `setConfig` came before. */
export const config = processSingleton<Config>('config', () => {
  const parsed = parseConfig(process.env)
  if ('faults' in parsed) throw new Error(`Invalid configuration:\n${parsed.faults.join('\n')}`)
  return parsed.settings
})

/** Installs the configuration of the process after start-up has filled in defaults (database URL, secrets). */
export function setConfig(complete: Config): void {
  config.replace(complete)
}

/** The environment as it is, for starting other programs and for reading settings at the start. */
export function environment(): Environment {
  return process.env
}

/** Says whether this process runs in production; Next and its parts look at nothing else. */
export function setNodeEnvironment(mode: 'production' | 'development'): void {
  Object.assign(process.env, { NODE_ENV: mode })
}
