import { behaviour, type StoreCase } from './harness.js'
import { ANN, type Probe, waitFor } from './probe.js'

/** A change by another client wakes a record's watchers. */
const woken = (by: string, change: (probe: Probe) => Promise<unknown>): StoreCase =>
  behaviour(
    `a watcher is woken when the record is ${by} by another client`,
    async ({ probe, another }) => {
      await probe.acquire(ANN)
      const watcher = await another()
      let wakes = 0
      const end = watcher.watch!(probe.id, () => wakes++)
      try {
        // The first call says that the watch is active: earlier changes are not pushed.
        await waitFor('the watch to stand', async () => wakes > 0)
        const before = wakes
        await change(probe)
        await waitFor('the watcher to be woken', async () => wakes > before)
      } finally {
        end()
      }
    },
    'push',
  )

/** For stores that push changes. */
export const pushCases: readonly StoreCase[] = [
  woken('completed', probe => probe.completed(ANN)),
  woken('failed', probe => probe.store.fail(probe.id, ANN, 'it broke')),
  woken('deleted', probe => probe.store.delete(probe.id, { force: true })),
]
