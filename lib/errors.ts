/**
 * All error codes that clients can receive, with their HTTP status and default message. The TypeScript type and the
 * OpenAPI enumeration derive from this table.
 */
export const ERRORS = {
  VALIDATION_ERROR: { status: 400, message: 'The request is not valid.' },
  INVALID_JSON: { status: 400, message: 'The body is not valid JSON.' },
  UNAUTHORIZED: { status: 401, message: 'Valid credentials are required.' },
  INVALID_CREDENTIALS: { status: 401, message: 'The email address or the password is wrong.' },
  TOKEN_EXPIRED: { status: 401, message: 'The token has expired.' },
  TOKEN_REUSED: { status: 401, message: 'The token has already been used.' },
  INVALID_TOKEN: { status: 401, message: 'The token is not valid.' },
  FORBIDDEN: { status: 403, message: 'You are not allowed to do this.' },
  REAUTHENTICATION_REQUIRED: {
    status: 403,
    message: 'Confirm your identity with POST /api/auth/reauthenticate, then repeat the request.',
  },
  NOT_FOUND: { status: 404, message: 'Resource not found.' },
  METHOD_NOT_ALLOWED: { status: 405, message: 'Method not allowed.' },
  CONFLICT: { status: 409, message: 'The request conflicts with the current state of the resource.' },
  EMAIL_EXISTS: { status: 409, message: 'This email address is already in use.' },
  SKU_EXISTS: { status: 409, message: 'This SKU is already in use.' },
  ALREADY_MEMBER: { status: 409, message: 'The user is already a member of this family.' },
  LAST_OWNER: { status: 409, message: 'A family must have at least one owner.' },
  FILE_EXISTS: { status: 409, message: 'A file already exists at this path.' },
  IDEMPOTENCY_IN_PROGRESS: { status: 409, message: 'A request with this idempotency key is still in progress.' },
  CURSOR_EXPIRED: { status: 410, message: 'Events after this one are no longer stored. Read the resources again.' },
  PRECONDITION_FAILED: { status: 412, message: 'The resource has been modified since you last fetched it.' },
  PAYLOAD_TOO_LARGE: { status: 413, message: 'The body is too large.' },
  QUOTA_EXCEEDED: { status: 413, message: 'Storage quota exceeded.' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, message: 'Unsupported media type.' },
  RANGE_NOT_SATISFIABLE: { status: 416, message: 'The requested range cannot be satisfied.' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, message: 'This idempotency key was already used with a different request.' },
  FAILED_DEPENDENCY: { status: 424, message: 'An operation that this one refers to has failed.' },
  RATE_LIMITED: { status: 429, message: 'Too many requests.' },
  INTERNAL_ERROR: { status: 500, message: 'Internal server error.' },
  SERVICE_UNAVAILABLE: { status: 503, message: 'The service is temporarily unavailable.' },
} as const

export type ErrorCode = keyof typeof ERRORS

/** Validation messages keyed by field. Errors about the whole body, query or path use that name as the key. */
export type ErrorDetails = Record<string, string[]>

type AppErrorOptions = {
  message?: string
  details?: ErrorDetails
  headers?: Record<string, string>
  /** The operation of a batch that failed. */
  operation?: string
  cause?: unknown
}

const brand: unique symbol = Symbol.for('hearth.AppError')

/** An error that is sent to the client. Any other thrown value becomes INTERNAL_ERROR. */
export class AppError extends Error {
  readonly [brand] = true
  readonly code: ErrorCode
  readonly details: ErrorDetails | undefined
  readonly headers: Record<string, string>
  readonly operation: string | undefined

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.message ?? ERRORS[code].message, { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.details = options.details
    this.headers = options.headers ?? {}
    this.operation = options.operation
  }

  get status(): number {
    return ERRORS[this.code].status
  }
}

/**
 * Returns whether a thrown value is an AppError. `instanceof` does not work: the server and the compiled routes load
 * separate copies of this module into one process, and development reloads load more.
 */
export function isAppError(error: unknown): error is AppError {
  return error instanceof Error && brand in error
}

/** Creates a VALIDATION_ERROR with messages by field. */
export function validationError(details: ErrorDetails): AppError {
  return new AppError('VALIDATION_ERROR', { details })
}

/** Creates a SERVICE_UNAVAILABLE with `Retry-After`. */
export function serviceUnavailable(cause: unknown, retryAfterSeconds = 5): AppError {
  return new AppError('SERVICE_UNAVAILABLE', { cause, headers: { 'Retry-After': String(retryAfterSeconds) } })
}
