import { inboxCases } from './cases/inbox.js'
import { onPostgres } from './support/stores.js'

onPostgres(inboxCases)
