import { isPromise } from 'node:util/types'
import type { Failure, RecordId, Store, TransactionalStore } from '../stores/store.js'
import type { CommitOf } from './attempt.js'

/** What a handler's work comes to: with `result` it is final and recorded, without it the key is given back. */
export interface Settlement<T> {
  value: T
  result?: Uint8Array
  /** Without a result: why. */
  failure?: Failure
}

/** What runs inside the transaction. */
export type Effects<T> = (tx: unknown) => Settlement<T> | Promise<Settlement<T>>

/** Runs effects and records what they come to in one transaction. It settles the attempt. */
export type Commit<T> = (effects: Effects<T>) => Promise<T>

export type Committed<T> =
  | { status: 'completed'; value: T; result: Uint8Array; completedAt: number }
  | { status: 'rolled_back'; value: T; failure: Failure | undefined }
  | { status: 'fenced' }

type AnyTransactionalStore = TransactionalStore<unknown, 'async' | 'sync'>

export const hasTransactions = (store: Store): store is AnyTransactionalStore => 'transact' in store

/** @throws what the effects throw, or a {@link StoreError}; then nothing was committed or nobody knows. */
export async function transact<T>(
  store: AnyTransactionalStore,
  id: RecordId,
  leaseId: string,
  effects: Effects<T>,
): Promise<Committed<T>> {
  let made: Settlement<T> | undefined
  const record = (settlement: Settlement<T>): Uint8Array => {
    made = settlement
    if (settlement.result === undefined) throw new NotRecordable()
    return settlement.result
  }
  const work = (tx: unknown) => {
    made = undefined
    const settlement = effects(tx)
    if (!isPromise(settlement)) return store.transactions === 'sync' ? record(settlement) : promised(settlement, record)
    if (store.transactions === 'async') return settlement.then(record)
    settlement.catch(() => {})
    throw new TypeError(
      'with this store the effects of a commit must be done when the function returns: it may not be async, ' +
        'and what it answers must be plain (jsonResponse), not a Response',
    )
  }
  try {
    // Which of the two the work returns is what the store asks for.
    const outcome = await store.transact(id, leaseId, work as (tx: unknown) => Promise<Uint8Array>)
    if (outcome.status === 'fenced' || made?.result === undefined) return { status: 'fenced' }
    return { status: 'completed', value: made.value, result: made.result, completedAt: outcome.completedAt }
  } catch (error) {
    if (error instanceof NotRecordable) return { status: 'rolled_back', value: made!.value, failure: made!.failure }
    throw error
  }
}

/** Goes on with a value that may be a promise, without waiting where there is nothing to wait for. */
export function andThen<A, B>(value: A | Promise<A>, next: (value: A) => B | Promise<B>): B | Promise<B> {
  return isPromise(value) ? value.then(next) : next(value as A)
}

/**
 * A commit for one layer more: it commits what `map` makes of what the effects return, and resolves with that as it was
 * returned.
 */
export function mapCommit<Outer, Inner>(
  commit: (effects: (tx: unknown) => Inner | Promise<Inner>) => Promise<unknown>,
  map: (returned: Outer) => Inner | Promise<Inner>,
): CommitOf<Outer> {
  return async <R extends Outer>(effects: (tx: unknown) => R | Promise<R>): Promise<R> => {
    let last!: R
    await commit(tx =>
      andThen(effects(tx), returned => {
        last = returned
        return map(returned)
      }),
    )
    return last
  }
}

async function promised<A, B>(value: A, next: (value: A) => B): Promise<B> {
  return next(value)
}

/** Thrown through the store, so that it rolls back. */
class NotRecordable extends Error {}
