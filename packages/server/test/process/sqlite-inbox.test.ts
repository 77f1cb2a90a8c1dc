import { describe } from 'vitest'
import { inboxCases } from './cases/inbox.js'
import { sqlite } from './support/stores.js'

describe('sqlite', () => inboxCases(sqlite))
