import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach } from 'vitest'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

export function onCleanup(cleanup: () => unknown): void {
  cleanups.push(cleanup)
}

/** Waits until the condition gives something, and gives that. It is asked less often the longer that takes. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  withinMs = 45_000,
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = performance.now() + withinMs
  for (let pauseMs = 10; ; pauseMs = Math.min(1.1 * pauseMs, 200)) {
    const found = await condition()
    if (found) return found as Exclude<T, false | null | undefined>
    if (performance.now() >= deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
    await sleep(pauseMs)
  }
}
