import { inboxCases } from './cases/inbox.js'
import { onRedis } from './support/stores.js'

onRedis(inboxCases)
