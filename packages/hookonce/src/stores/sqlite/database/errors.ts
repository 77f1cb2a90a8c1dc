import { ConfigurationError, StoreError } from '../../../errors.js'

/** Primary result codes, https://www.sqlite.org/rescode.html */
const BUSY = 5
const LOCKED = 6
const IOERR = 10
const TOOBIG = 18
const CONSTRAINT = 19
const MISMATCH = 20
const RANGE = 25

function primaryCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : undefined
}

/** Another connection holds the lock that is needed. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error)
  return code === BUSY || code === LOCKED
}

/** Rolled back one statement only; its transaction goes on. */
export function isOfOneStatement(error: unknown): boolean {
  const code = primaryCode(error)
  return code === undefined || code === TOOBIG || code === CONSTRAINT || code === MISMATCH || code === RANGE
}

/** A COMMIT fails with it too, if a deferred constraint is violated. */
export function isConstraint(error: unknown): boolean {
  return primaryCode(error) === CONSTRAINT
}

/**
 * A commit whose flush failed may still be in the WAL after a crash. Reading the record now decides nothing: no
 * connection sees the commit before the crash, and the next commit overwrites it.
 */
export function mayHaveCommitted(error: unknown): boolean {
  return primaryCode(error) === IOERR
}

/** An error as the worker posts it. */
export interface Failure {
  message: string
  effect: StoreError['effect'] | 'configuration'
}

export function toFailure(error: unknown): Failure {
  const effect =
    error instanceof ConfigurationError ? 'configuration' : error instanceof StoreError ? error.effect : 'refused'
  return { message: describe(error), effect }
}

export function toStoreError({ message, effect }: Failure, path: string): StoreError {
  return new StoreError(`sqlite store ${path}: ${message}`, effect === 'configuration' ? 'refused' : effect)
}

/** One line, with SQLite's text for the error code if the message lacks it. */
export function describe(error: unknown): string {
  const { message = String(error), errstr } = error as { message?: string; errstr?: string }
  const line = message.replace(/\s+/g, ' ')
  return errstr === undefined || line.includes(errstr) ? line : `${line} (${errstr})`
}
