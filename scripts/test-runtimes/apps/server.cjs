const { createReceiver } = require('hookonce')
const { handleNode } = require('hookonce/adapters/node')
const { sqliteStore } = require('hookonce/stores/sqlite')

import('./application.mjs').then(({ serve }) => serve({ createReceiver, handleNode, sqliteStore }, process.argv[2]))
