import type { Store } from '../../stores/store.js'
import { Probe } from './probe.js'

/** Opens the store under test. One harness can serve all cases: each case has its own scopes. */
export interface StoreHarness {
  /** Opens a client. All clients of a harness share their data. The case closes them. */
  open(): Promise<Store>
  /** Durable stores: opens the data as it is after a crash at this moment. */
  afterCrash?: () => Promise<Store>
  /** `true` if time comes from a server, so that this process's clock may be wrong. */
  ownClock?: boolean
  /** Stores with `transact`: writes and finds effects. */
  transactions?: Effects
  /** `true` if the work of a transaction may be asynchronous (`transactions: 'async'`). */
  waitingWork?: boolean
  /** `true` if the store is an `InboxStore`. */
  inbox?: boolean
  /** `true` if the inbox orders the records of a group. */
  groups?: boolean
  /** `true` if the store has a journal. */
  journal?: boolean
  /** `true` if changes are pushed to watchers of other clients. */
  push?: boolean
}

/** A ledger of effects in the store's database, which allows the same effect twice. */
export interface Effects {
  /** Adds the effect by the transaction that `transact` passes to its work. Synchronous if the work must be. */
  write(tx: unknown, id: string): void | Promise<void>
  /** The number of times that another connection sees the effect now. */
  count(id: string): Promise<number>
}

/** One behaviour of the contract. `run` rejects with an `AssertionError` if the store differs. */
export interface StoreCase {
  /** The behaviour, as a statement. */
  readonly name: string
  /** The part of the harness that the case needs. */
  readonly needs?: 'afterCrash' | 'ownClock' | 'transactions' | 'waitingWork' | 'inbox' | 'groups' | 'journal' | 'push'
  run(harness: StoreHarness): Promise<void>
}

/** A case's tools: a probe of a record that does not exist yet, and the harness for more clients. */
export interface Bench {
  probe: Probe
  /** Opens another client of the same data. */
  another(): Promise<Store>
  afterCrash(): Promise<Store>
  /** The store's transactions. */
  effects: Effects
  /** Whether the work of a transaction may be asynchronous. */
  mayWait: boolean
}

let cases = 0

export function behaviour(
  name: string,
  check: (bench: Bench) => Promise<void>,
  needs?: NonNullable<StoreCase['needs']>,
): StoreCase {
  return {
    name,
    ...(needs && { needs }),
    async run(harness) {
      const opened = new Set<Store>()
      const keep = (store: Store) => {
        opened.add(store)
        return store
      }
      const another = async () => keep(await harness.open())
      const afterCrash = async () => keep(await harness.afterCrash!())
      try {
        const scope = `case-${++cases}-${crypto.randomUUID()}`
        const probe = new Probe(await another(), { scope, key: 'key' })
        const { transactions, waitingWork = false } = harness
        await check({ probe, another, afterCrash, effects: transactions!, mayWait: waitingWork })
      } finally {
        for (const store of opened) await store.close()
      }
    },
  }
}
