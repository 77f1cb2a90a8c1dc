// Half of the package is the copy for `import`, half that for `require`.
import { createRequire } from 'node:module'
import { createReceiver } from 'hookonce'
import { serve } from './application.mjs'

const require = createRequire(import.meta.url)
const { handleNode } = require('hookonce/adapters/node')
const { sqliteStore } = require('hookonce/stores/sqlite')

serve({ createReceiver, handleNode, sqliteStore }, process.argv[2])
