import type { Store } from '../stores/store.js'
import type { SimulatedProcess } from './simulated-process.js'

/** Asks the store something for a process. */
export type Ask = (operation: string, question: () => Promise<unknown>) => Promise<unknown>

/** The store as one process sees it: once that is dead, it asks nothing and hears nothing. */
export function storeOf<S extends Store>(
  process: SimulatedProcess,
  store: S,
  ask: Ask = (_, question) => question(),
): S {
  return new Proxy(store, {
    get(_, name) {
      const value: unknown = Reflect.get(store, name)
      if (typeof value !== 'function') return value
      if (!ASYNCHRONOUS.has(String(name))) return value.bind(store)
      return (...given: unknown[]) => {
        const question = async () => value.apply(store, given) as unknown
        return new Promise((resolve, reject) => {
          if (process.dead) return
          ask(String(name), question).then(
            answer => process.deliver(() => resolve(answer)),
            error => process.deliver(() => reject(error)),
          )
        })
      }
    },
  })
}

/** The operations of the contract; what else a store has is passed on. */
const ASYNCHRONOUS = new Set([
  ...['claim', 'renew', 'complete', 'fail', 'transact', 'delete', 'get', 'list', 'stats', 'usage', 'purge', 'ready'],
  ...['accept', 'claimDue', 'redrive', 'backlog', 'close'],
])
