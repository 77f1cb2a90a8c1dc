import { expect, test } from 'vitest'
import { fragments, missingImports, syntaxErrors } from '../fragments.js'

test('a block that is not run is still code', { timeout: 120_000 }, () => {
  const broken = fragments().flatMap(block => syntaxErrors(block).map(error => `${block.page}:${block.line} ${error}`))
  expect(broken).toEqual([])
})

test('what a block imports of this project exists', { timeout: 120_000 }, () => {
  expect(missingImports(fragments())).toEqual([])
})
