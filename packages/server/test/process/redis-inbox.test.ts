import { inboxCases } from './cases/inbox.js'
import { inboxLoadCases } from './cases/inbox-load.js'
import { onRedis } from './support/stores.js'

onRedis(store => {
  inboxCases(store)
  inboxLoadCases(store)
})
