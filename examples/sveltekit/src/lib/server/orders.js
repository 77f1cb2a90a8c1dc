import { createReceiver } from 'hookonce'
import { sqliteStore } from 'hookonce/stores/sqlite'

const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })

export const orders = receiver.source({ name: 'orders' })

// SvelteKit's server on Node.js emits this when no request is left.
process.once('sveltekit:shutdown', async () => {
  await receiver.settled()
  await receiver.close()
})
