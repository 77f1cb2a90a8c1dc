import type { StoreCase } from '../harness.js'
import { acceptingCases } from './accept.js'
import { takingCases } from './claim-due.js'
import { countingDeadCases } from './dead.js'
import { groupingCases } from './groups.js'
import { listingCases } from './list.js'
import { redrivingCases } from './redrive.js'
import { settlingCases } from './settle.js'

/** The cases of an {@link InboxStore}. */
export const inboxCases: readonly StoreCase[] = [
  ...acceptingCases,
  ...takingCases,
  ...settlingCases,
  ...redrivingCases,
  ...groupingCases,
  ...listingCases,
  ...countingDeadCases,
]
