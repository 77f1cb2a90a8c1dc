import { type InboxStore, StoreError, type TransactionalStore } from 'hookonce'
import type { Random } from '../../../dist/testing/explore/random.js'
import type { SimulatedProcess } from '../../../dist/testing/simulated-process.js'

export const STORE_TIMEOUT_MS = 200

export interface Ledger {
  write(effect: string): void
}

/** All that a store can be asked. */
export type WholeStore = InboxStore & TransactionalStore<Ledger, 'async'>

export type NetworkFault =
  | 'request_lost'
  | 'answer_lost'
  | 'answer_late'
  | 'command_resent'
  | 'store_down'
  | 'store_slow'

/** What lies between processes and the store. */
export interface Network {
  peace: boolean
  down: boolean
  slow: boolean
  fired(fault: NetworkFault): void
}

/** What names itself may come twice. */
const RESENT = new Set(['claim', 'renew', 'complete', 'fail', 'accept'])

/** The store as one process sees it, across a network that delays, loses and repeats. */
export function linkTo(store: WholeStore, process: SimulatedProcess, network: Network, random: Random): WholeStore {
  const { clock } = process

  function ask<R>(operation: string, question: () => Promise<R>): Promise<R> {
    // A transaction has no time limit but the store's own.
    const giveUp = (reject: (error: Error) => void) => {
      if (operation === 'transact')
        process.after(STORE_TIMEOUT_MS, () => reject(new StoreError('no answer', 'unknown')))
    }
    return new Promise((resolve, reject) => {
      if (process.dead) return
      if (network.down) {
        network.fired('store_down')
        process.after(random.between(0, 20), () => reject(new StoreError('connection refused', 'unknown')))
        return
      }
      const chance = (fault: NetworkFault) => {
        const happens = !network.peace && random.chance(0.03)
        if (happens) network.fired(fault)
        return happens
      }
      if (chance('request_lost')) return giveUp(reject)
      clock.after(random.between(0, 15), async () => {
        const answer = await question().then(
          value => () => resolve(value),
          error => () => reject(error),
        )
        if (chance('answer_lost')) return giveUp(reject)
        let delay = random.between(0, 15)
        if (network.slow) {
          network.fired('store_slow')
          delay += STORE_TIMEOUT_MS + random.between(1, 300)
        } else if (chance('answer_late')) delay += 2 * STORE_TIMEOUT_MS
        clock.after(delay, () => process.deliver(answer))
      })
      if (RESENT.has(operation) && chance('command_resent')) {
        clock.after(random.between(15, 400), () => void question().catch(() => {}))
      }
    })
  }

  return new Proxy(store, {
    get(target, name: keyof WholeStore) {
      const value = target[name]
      if (name === 'watchDue') {
        return (scope: string, wake: () => void) => target.watchDue!(scope, () => process.deliver(wake))
      }
      if (typeof value !== 'function' || name === 'announceDue') return value
      return (...given: never[]) => ask(name, () => (value as (...given: never[]) => Promise<unknown>)(...given))
    },
  })
}
