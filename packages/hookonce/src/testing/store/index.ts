/**
 * The conformance cases of the Store contract, for any test runner. They do not control the store's clock, can run
 * concurrently, and leave a few records in scopes of their own.
 *
 * @example
 * import { test } from 'vitest'
 * import { type StoreHarness, storeCases } from 'hookonce/testing/store'
 *
 * const harness: StoreHarness = { open: async () => myStore(process.env.MY_STORE_URL), ownClock: true }
 *
 * for (const { name, needs, run } of storeCases) {
 *   if (!needs || harness[needs]) test(name, () => run(harness))
 * }
 *
 * @module
 */
import { backlogCases } from './backlog.js'
import { byteCases } from './bytes.js'
import { claimCases } from './claim.js'
import type { StoreCase } from './harness.js'
import { historyCases } from './history.js'
import { inboxCases } from './inbox/index.js'
import { journalCases } from './journal.js'
import { labelCases } from './labels.js'
import { leaseCases } from './leases.js'
import { lifecycleCases } from './lifecycle.js'
import { pushCases } from './push.js'
import { raceCases } from './races.js'
import { readingCases } from './read.js'
import { removalCases } from './removal.js'
import { settleCases } from './settle.js'
import { transactCases } from './transact.js'

export type { Effects, StoreCase, StoreHarness } from './harness.js'

/** Every behaviour of the contract. */
export const storeCases: readonly StoreCase[] = [
  ...removalCases,
  ...claimCases,
  ...leaseCases,
  ...settleCases,
  ...historyCases,
  ...raceCases,
  ...readingCases,
  ...labelCases,
  ...byteCases,
  ...lifecycleCases,
  ...pushCases,
  ...inboxCases,
  ...backlogCases,
  ...journalCases,
  ...transactCases,
]
