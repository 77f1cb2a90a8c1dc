import type { SharedStore } from '../support/stores.js'
import { crashCases } from './crash.js'
import { duplicateCases } from './duplicates.js'
import { eventCases } from './events.js'
import { figuresCases } from './figures.js'
import { forcedDeleteCases } from './forced-delete.js'
import { restartCases } from './restart.js'
import { stoppedCases } from './stopped.js'

/** What server processes that share a store do, whatever store it is. */
export function processCases(store: SharedStore): void {
  duplicateCases(store)
  eventCases(store)
  figuresCases(store)
  forcedDeleteCases(store)
  restartCases(store)
  stoppedCases(store)
  crashCases(store)
}
