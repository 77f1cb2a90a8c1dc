import type { Bugs } from '../bug.js'
import { engineBugs } from './engine.js'
import { inboxBugs } from './inbox.js'
import { receiverBugs } from './receiver.js'
import { serverBugs } from './server.js'
import { storeBugs } from './stores.js'

export const BUGS: Readonly<Record<string, Bugs>> = {
  Engine: engineBugs,
  Stores: storeBugs,
  Inbox: inboxBugs,
  'Receiver and senders': receiverBugs,
  Server: serverBugs,
}
