import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const QUIET_MS = 2_000
/** V8 gives pages back over several collections: measured, the fourth or fifth gives back the last of them. */
const COLLECTIONS = 6

/**
 * Collects garbage after a herd of deliveries: thousands of connections leave a heap that V8 keeps until it needs to
 * collect for another reason, which a quiet server never does. Each collection stops the process for some 10 ms.
 */
export function createMemoryRelief(): () => void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  let left = 0

  function next(): void {
    setTimeout(() => {
      collect()
      left--
      if (left > 0) next()
    }, QUIET_MS).unref()
  }

  return () => {
    const idle = left === 0
    left = COLLECTIONS
    if (idle) next()
  }
}
