import { setTimeout as delay } from 'node:timers/promises'

/** Asks until the answer is yes. */
export async function until(what: string, condition: () => unknown): Promise<void> {
  const deadline = performance.now() + 45_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`)
    await delay(5)
  }
}
