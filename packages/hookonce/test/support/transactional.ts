import { type Store, StoreError, type TransactionalStore } from 'hookonce'

/** What effects write with. */
export interface Ledger {
  write(entry: string): void
}

export interface Transactional<Mode extends 'async' | 'sync'> {
  store: TransactionalStore<Ledger, Mode>
  /** What was committed. */
  ledger: string[]
}

/** A store with transactions over one without: effects stand when the result was accepted. */
export function transactional<Mode extends 'async' | 'sync'>(store: Store, transactions: Mode): Transactional<Mode> {
  const ledger: string[] = []
  const transact: TransactionalStore<Ledger, 'async'>['transact'] = async (id, leaseId, work) => {
    const written: string[] = []
    const given = work({ write: entry => void written.push(entry) })
    if (transactions === 'sync' && !(given instanceof Uint8Array)) throw new StoreError('not done in time', 'refused')
    const outcome = await store.complete(id, leaseId, await given)
    if (outcome.status === 'completed') ledger.push(...written)
    return outcome
  }
  return { ledger, store: Object.assign(Object.create(store), { transactions, transact }) }
}
