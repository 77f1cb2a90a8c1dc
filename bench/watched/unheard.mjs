/** Loaded before the server: nobody subscribes to what receivers tell of, as if there were no metrics and no dashboard. */
import diagnosticsChannel from 'node:diagnostics_channel'
import { syncBuiltinESMExports } from 'node:module'
import { ACTIVITY_CHANNEL } from 'hookonce'

const { subscribe } = diagnosticsChannel
diagnosticsChannel.subscribe = (name, subscriber) => {
  if (name !== ACTIVITY_CHANNEL) subscribe(name, subscriber)
}
syncBuiltinESMExports()
