import type { StoreCase } from '../harness.js'
import { acceptingCases } from './accepting.js'
import { groupingCases } from './grouping.js'
import { listingCases } from './listing.js'
import { redrivingCases } from './redriving.js'
import { settlingCases } from './settling.js'
import { takingCases } from './taking.js'

/** What an {@link InboxStore} does besides. */
export const inboxCases: readonly StoreCase[] = [
  ...acceptingCases,
  ...takingCases,
  ...settlingCases,
  ...redrivingCases,
  ...groupingCases,
  ...listingCases,
]
