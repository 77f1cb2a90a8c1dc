import { describe } from 'vitest'
import { processCases } from './cases/index.js'
import { sqlite } from './support/stores.js'

describe('sqlite', () => processCases(sqlite))
