import { expect, test } from 'vitest'
import { typeErrors, writeSamples } from '../samples.js'

test('each block of code in the docs compiles', { timeout: 120_000 }, async () => {
  const { samples, remove } = await writeSamples()
  try {
    expect(typeErrors(samples)).toEqual([])
  } finally {
    remove()
  }
})
