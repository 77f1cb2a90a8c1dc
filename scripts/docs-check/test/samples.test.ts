import { afterAll, describe, expect, test } from 'vitest'
import { run, writeSamples } from '../samples.js'

const { samples, remove } = await writeSamples()
afterAll(remove)

test('every sample of the README and the guide says how it is run', () => {
  const silent = samples.filter(({ page, kind }) => kind === '' && /^(README|docs\/guide\/)/.test(page))
  expect(silent.map(({ page, line }) => `${page}:${line}`)).toEqual([])
})

describe.concurrent('a sample runs, and a delivery that comes twice runs once', () => {
  test.each(samples.filter(({ kind }) => kind !== ''))('$page:$line $meta', sample => run(sample))
})
