import { StoreError } from '../../errors.js'

/** SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html */
const SERIALIZATION_FAILURE = '40001'
const DEADLOCK_DETECTED = '40P01'
const UNKNOWN_STATEMENT = '26000'
const STATEMENT_EXISTS = '42P05'
const IN_FAILED_TRANSACTION = '25P02'
/** read_only_sql_transaction: a server that is about to be promoted, or was demoted. */
const READ_ONLY_SERVER = '25006'

/** What passes by itself: restarts, failovers, a crowd, a lock. */
const PASSING = new Set([
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

/** Query builders put the driver's error into one of their own, as this store does. */
function codesOf(error: unknown): string[] {
  return [codeOf(error), codeOf((error as Error | null)?.cause)]
}

/** The server's own word on a statement, after which the connection goes on. */
export function isOfTheStatement(error: unknown): boolean {
  return (error as DriverError | null)?.severity === 'ERROR'
}

/** The database asks for the transaction to be run again. */
export function asksForAnotherRun(error: unknown): boolean {
  return codesOf(error).some(code => code === SERIALIZATION_FAILURE || code === DEADLOCK_DETECTED)
}

/** A pooler in transaction mode that does not know named statements sent this one to a connection it was not named on. */
export function isOfStatementNames(error: unknown): boolean {
  return codesOf(error).some(code => code === UNKNOWN_STATEMENT || code === STATEMENT_EXISTS)
}

/** The connection leads to a server that takes no writes: a new one may lead to the present primary. */
export function isOfReadOnlyServer(error: unknown): boolean {
  return codesOf(error).includes(READ_ONLY_SERVER)
}

/** A statement of the same transaction failed before. */
export function isOfFailedTransaction(error: unknown): boolean {
  return codesOf(error).includes(IN_FAILED_TRANSACTION)
}

/** An error on its way to the caller, with what is known about trying again. */
export class Failure extends StoreError {
  /** Whether another try may go better. */
  readonly passes: boolean

  constructor(error: unknown, effect: StoreError['effect'], passes = PASSING.has(codeOf(error))) {
    super(`postgres store: ${describe(error)}`, effect, { cause: error })
    this.name = 'StoreError'
    this.passes = passes
  }
}

/**
 * Of a statement that was sent, and of whatever else went wrong: nothing was written if the server said so. Anything else leaves it open: a server that
 * ends a connection may have committed first (synchronous replication, for one).
 */
export function failureOfStatement(error: unknown): Failure {
  if (error instanceof Failure) return error
  return isOfTheStatement(error) ? new Failure(error, 'refused') : new Failure(error, 'unknown', true)
}

/** Of a connection that was not had: no statement was sent. Without a code it was cut, or not had in time. */
export function failureOfConnection(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure(error, 'refused', PASSING.has(codeOf(error)) || !codeOf(error))
}

function describe(error: unknown): string {
  const { message = String(error) } = (error ?? {}) as DriverError
  const code = codeOf(error)
  const line = (message || code).replace(/\s+/g, ' ')
  return code === '' || code.startsWith('ERR_') || line.includes(code) ? line : `${line} (${code})`
}
