import type { Store } from '../stores/store.js'
import { Probe } from './probe.js'

/** How the cases get at the store under test. One harness may serve one case or all: each case has its own scopes. */
export interface StoreHarness {
  /** Opens a client. All clients of one harness work on the same data; the case closes them. */
  open(): Promise<Store>
  /** Durable stores: opens what would be found if everything ended abruptly at this moment. */
  afterCrash?: () => Promise<Store>
  /** `true` where time comes from a server: this process's clock may then be wrong without any effect. */
  ownClock?: boolean
  /** Stores with `transact`: how an effect is written and found. */
  transactions?: Effects
  /** `true` where the work of a transaction may wait (`transactions: 'async'`). */
  waitingWork?: boolean
  /** `true` where the store is an {@link InboxStore}. */
  inbox?: boolean
  /** `true` where an inbox also orders the records of a group. */
  groups?: boolean
  /** `true` where a change is pushed to watchers in other clients. */
  push?: boolean
}

/** A ledger of effects in the store's database, which allows the same effect twice. */
export interface Effects {
  /** Adds the effect with what `transact` hands to its work; done on return where the work must not wait. */
  write(tx: unknown, id: string): void | Promise<void>
  /** How often the effect stands, for a connection of its own and at the moment of the call. */
  count(id: string): Promise<number>
}

/** One behaviour of the contract; `run` rejects with an `AssertionError` where the store differs. */
export interface StoreCase {
  /** What the store does, as a statement. */
  readonly name: string
  /** The part of the harness without which the case means nothing. */
  readonly needs?: 'afterCrash' | 'ownClock' | 'transactions' | 'waitingWork' | 'inbox' | 'groups' | 'push'
  run(harness: StoreHarness): Promise<void>
}

/** What a case works with: a probe on a record nobody has touched, and the harness for more clients. */
export interface Bench {
  probe: Probe
  /** Another client onto the same data. */
  another(): Promise<Store>
  afterCrash(): Promise<Store>
  /** For cases that need transactions or waiting work. */
  effects: Effects
  /** Whether the work of a transaction may wait. */
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
