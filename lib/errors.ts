/**
 * Every way in which a request can fail: the code that clients match on, its HTTP status and the message that it has
 * unless a better one is given. Status, TypeScript type and the OpenAPI enumeration derive from this one table.
 */
export const ERRORS = {
  VALIDATION_ERROR: { status: 400, message: 'The request is not valid.' },
  INVALID_JSON: { status: 400, message: 'The body is not valid JSON.' },
  UNAUTHORIZED: { status: 401, message: 'Valid credentials are required.' },
  INVALID_CREDENTIALS: { status: 401, message: 'The e-mail address or the password is wrong.' },
  TOKEN_EXPIRED: { status: 401, message: 'The token has expired.' },
  TOKEN_REUSED: { status: 401, message: 'The token was used before.' },
  INVALID_TOKEN: { status: 401, message: 'The token is not valid.' },
  FORBIDDEN: { status: 403, message: 'You are not allowed to do this.' },
  NOT_FOUND: { status: 404, message: 'There is no such thing.' },
  METHOD_NOT_ALLOWED: { status: 405, message: 'The method is not allowed here.' },
  CONFLICT: { status: 409, message: 'The request conflicts with the present state.' },
  EMAIL_EXISTS: { status: 409, message: 'The e-mail address is taken.' },
  SKU_EXISTS: { status: 409, message: 'The SKU is taken.' },
  ALREADY_MEMBER: { status: 409, message: 'The user is a member already.' },
  LAST_OWNER: { status: 409, message: 'The last owner cannot leave.' },
  FILE_EXISTS: { status: 409, message: 'There is a file at this path already.' },
  IDEMPOTENCY_IN_PROGRESS: { status: 409, message: 'A request with this idempotency key is still at work.' },
  PRECONDITION_FAILED: { status: 412, message: 'The thing has changed since.' },
  PAYLOAD_TOO_LARGE: { status: 413, message: 'The body is too large.' },
  QUOTA_EXCEEDED: { status: 413, message: 'The storage is full.' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, message: 'The content type is not one that this route reads.' },
  RANGE_NOT_SATISFIABLE: { status: 416, message: 'The range lies outside the file.' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, message: 'The idempotency key came with another request before.' },
  RATE_LIMITED: { status: 429, message: 'Too many requests.' },
  INTERNAL_ERROR: { status: 500, message: 'Something went wrong on our side.' },
  SERVICE_UNAVAILABLE: { status: 503, message: 'The service is not available at the moment.' },
} as const

export type ErrorCode = keyof typeof ERRORS

/** Messages by field name; the body, query or path as a whole stands under the name of that part. */
export type ErrorDetails = Record<string, string[]>

type AppErrorOptions = {
  message?: string
  details?: ErrorDetails
  headers?: Record<string, string>
  cause?: unknown
}

const brand: unique symbol = Symbol.for('hearth.AppError')

/** A failure that the client is told of. Anything else that is thrown is answered as INTERNAL_ERROR. */
export class AppError extends Error {
  readonly [brand] = true
  readonly code: ErrorCode
  readonly details: ErrorDetails | undefined
  readonly headers: Record<string, string>

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.message ?? ERRORS[code].message, { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.details = options.details
    this.headers = options.headers ?? {}
  }

  get status(): number {
    return ERRORS[this.code].status
  }
}

/**
 * Whether a thrown value is an AppError. `instanceof` would not do: the server and the compiled routes each hold a copy
 * of this module in one process, and development reloads make more.
 */
export function isAppError(error: unknown): error is AppError {
  return error instanceof Error && brand in error
}

/** 400 with one entry a wrong field. */
export function validationError(details: ErrorDetails): AppError {
  return new AppError('VALIDATION_ERROR', { details })
}

/** 405 with the `Allow` header that RFC 9110, section 15.5.6, asks for; HEAD comes with GET, OPTIONS always. */
export function methodNotAllowed(...methods: string[]): AppError {
  const allowed = methods.includes('GET') ? [...methods, 'HEAD'] : methods
  return new AppError('METHOD_NOT_ALLOWED', { headers: { Allow: [...allowed, 'OPTIONS'].join(', ') } })
}

/** 503 with `Retry-After` in seconds. */
export function serviceUnavailable(cause: unknown, retryAfterSeconds = 5): AppError {
  return new AppError('SERVICE_UNAVAILABLE', { cause, headers: { 'Retry-After': String(retryAfterSeconds) } })
}
