import { StoreError } from '../../errors.js'

/** SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html */
const SERIALIZATION_FAILURE = '40001'
const DEADLOCK_DETECTED = '40P01'
const UNKNOWN_STATEMENT = '26000'
const STATEMENT_EXISTS = '42P05'
const IN_FAILED_TRANSACTION = '25P02'
/** read_only_sql_transaction: the server is a replica. */
const READ_ONLY_SERVER = '25006'

/** Transient errors: restarts, failovers, too many connections, locks. */
const TRANSIENT = new Set([
  SERIALIZATION_FAILURE,
  DEADLOCK_DETECTED,
  '55P03', // lock_not_available
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '53300', // too_many_connections
  READ_ONLY_SERVER,
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
])

interface DriverError {
  message?: string
  code?: unknown
  severity?: unknown
}

function codeOf(error: unknown): string {
  const code = (error as DriverError | null)?.code
  return typeof code === 'string' ? code : ''
}

/** With the code of the cause, because query builders wrap the driver's error, as this store does. */
function codesOf(error: unknown): string[] {
  return [codeOf(error), codeOf((error as Error | null)?.cause)]
}

/** The server rejected a statement; the connection can still be used. */
export function isStatementError(error: unknown): boolean {
  return (error as DriverError | null)?.severity === 'ERROR'
}

/** The database asks the client to run the transaction again. */
export function isTransactionConflict(error: unknown): boolean {
  return codesOf(error).some(code => code === SERIALIZATION_FAILURE || code === DEADLOCK_DETECTED)
}

/** A pooler in transaction mode that does not support named statements sent one to a connection that does not have it. */
export function isStatementNameError(error: unknown): boolean {
  return codesOf(error).some(code => code === UNKNOWN_STATEMENT || code === STATEMENT_EXISTS)
}

/** The connection leads to a read-only server; a new one may lead to the primary. */
export function isReadOnlyError(error: unknown): boolean {
  return codesOf(error).includes(READ_ONLY_SERVER)
}

/** An earlier statement of the transaction failed. */
export function isFailedTransactionError(error: unknown): boolean {
  return codesOf(error).includes(IN_FAILED_TRANSACTION)
}

/** The error that an operation rejects with. */
export class Failure extends StoreError {
  /** Another try may succeed. */
  readonly isTransient: boolean

  constructor(error: unknown, effect: StoreError['effect'], isTransient = TRANSIENT.has(codeOf(error))) {
    super(`postgres store: ${describe(error)}`, effect, { cause: error })
    this.name = 'StoreError'
    this.isTransient = isTransient
  }
}

/**
 * For a statement that was sent. Only an error of the statement proves that nothing was written: a server that ends a
 * connection may have committed before, e.g. while it waited for synchronous replication.
 */
export function failureOfStatement(error: unknown): Failure {
  if (error instanceof Failure) return error
  return isStatementError(error) ? new Failure(error, 'refused') : new Failure(error, 'unknown', true)
}

/** For a connection that could not be made: no statement was sent. An error without a code is a cut or a timeout. */
export function failureOfConnection(error: unknown): Failure {
  if (error instanceof Failure) return error
  const code = codeOf(error)
  return new Failure(error, 'refused', code === '' || TRANSIENT.has(code))
}

function describe(error: unknown): string {
  const { message = String(error) } = (error ?? {}) as DriverError
  const code = codeOf(error)
  const line = (message || code).replace(/\s+/g, ' ')
  return code === '' || code.startsWith('ERR_') || line.includes(code) ? line : `${line} (${code})`
}
