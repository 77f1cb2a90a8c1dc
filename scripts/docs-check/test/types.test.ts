import { expect, test } from 'vitest'
import { typeErrors, writeSamples } from '../samples.js'

test('samples have the types that they are to have', async () => {
  const { samples, remove } = await writeSamples()
  try {
    expect(typeErrors(samples)).toEqual([])
  } finally {
    remove()
  }
})
