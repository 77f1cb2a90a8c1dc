import { inboxCases } from './cases/inbox.js'
import { inboxLoadCases } from './cases/inbox-load.js'
import { onPostgres } from './support/stores.js'

onPostgres(store => {
  inboxCases(store)
  inboxLoadCases(store)
})
