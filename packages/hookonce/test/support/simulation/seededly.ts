import type { Random } from '../../../dist/testing/explore/random.js'

/** Runs with everything random in it from the seed. */
export async function seededly<T>(random: Random, work: () => Promise<T>): Promise<T> {
  const mathRandom = Math.random
  Math.random = random.next
  try {
    return await work()
  } finally {
    Math.random = mathRandom
  }
}
