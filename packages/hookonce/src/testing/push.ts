import { behaviour, type StoreCase } from './harness.js'
import { ANN, type Probe, waitFor } from './probe.js'

/** Who watches a record is woken by what another client does to it. */
const woken = (by: string, change: (probe: Probe) => Promise<unknown>): StoreCase =>
  behaviour(
    `a watcher is woken when the record is ${by} by another client`,
    async ({ probe, another }) => {
      await probe.acquire(ANN)
      const watcher = await another()
      let wakes = 0
      const end = watcher.watch!(probe.id, () => wakes++)
      try {
        // It is told when the watch stands: what changed before then it must look for itself.
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

/** Where a store pushes. */
export const pushCases: readonly StoreCase[] = [
  woken('completed', probe => probe.completed(ANN)),
  woken('failed', probe => probe.store.fail(probe.id, ANN, 'it broke')),
  woken('deleted', probe => probe.store.delete(probe.id, { force: true })),
]
