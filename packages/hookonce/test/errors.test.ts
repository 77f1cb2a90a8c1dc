import { createRequire } from 'node:module'
import * as ofImport from 'hookonce'
import { describe, expect, test } from 'vitest'

const ofRequire: typeof ofImport = createRequire(import.meta.url)('hookonce')
const copies = [ofImport, ofRequire]

const errorsOf = ({ ConfigurationError, InvalidKeyError, NoResultError, ...rest }: typeof ofImport) => ({
  ConfigurationError: new ConfigurationError('x'),
  InvalidKeyError: new InvalidKeyError('x'),
  NoResultError: new NoResultError('in_progress', 'x'),
  NonRetriableError: new rest.NonRetriableError('x'),
  RetryAfterError: new rest.RetryAfterError('x', 1),
  StoreError: new rest.StoreError('x', 'refused'),
})
const NAMES = Object.keys(errorsOf(ofImport)) as (keyof ReturnType<typeof errorsOf>)[]

test('the two copies of the package are two', () => {
  expect(ofImport.StoreError).not.toBe(ofRequire.StoreError)
})

describe.each(copies)('an error of either copy', copy => {
  test.each(NAMES)('%s is an instance of its class and of the base, and of no other class, in both', name => {
    const error = errorsOf(copy)[name]
    expect(error).toMatchObject({ name })
    for (const other of copies) {
      expect(error instanceof other.HookonceError).toBe(true)
      expect(NAMES.filter(each => error instanceof other[each])).toEqual([name])
    }
  })
})

test("what is no error of the package is an instance of none, even with an error's code", () => {
  for (const value of [undefined, null, 'ERR_STORE', {}, Object.assign(new Error('x'), { code: 'ERR_STORE' })]) {
    expect((value as unknown) instanceof ofImport.HookonceError).toBe(false)
    expect((value as unknown) instanceof ofImport.StoreError).toBe(false)
  }
})

test('a derived class has the instances that were made of it, which are those of its base too', () => {
  class Gone extends ofImport.NonRetriableError {}
  const gone = new Gone('x')
  expect(gone instanceof Gone).toBe(true)
  expect(gone instanceof ofRequire.NonRetriableError).toBe(true)
  expect(new ofImport.NonRetriableError('x') instanceof Gone).toBe(false)
})
