// @ts-expect-error the types are Express 5's; Express 4 is here to be run
import express4 from 'express4'
import { vi } from 'vitest'
import { adapterCases } from './cases.js'
import { expressAdapter } from './express.cases.js'

// Express prints the errors that it answers.
vi.spyOn(console, 'error').mockImplementation(() => {})

adapterCases(expressAdapter('Express 4', express4))
