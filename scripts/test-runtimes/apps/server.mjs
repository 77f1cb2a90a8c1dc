import { createReceiver } from 'hookonce'
import { handleNode } from 'hookonce/adapters/node'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { serve } from './application.mjs'

serve({ createReceiver, handleNode, sqliteStore }, process.argv[2])
