import { describe } from 'vitest'
import { inboxCases } from './cases/inbox.js'
import { inboxLoadCases } from './cases/inbox-load.js'
import { sqlite } from './support/stores.js'

describe('sqlite', () => {
  inboxCases(sqlite)
  inboxLoadCases(sqlite)
})
