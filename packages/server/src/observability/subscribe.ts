import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { ACTIVITY_CHANNEL, EVENTS_CHANNEL, type HookonceActivity, type HookonceEvent } from 'hookonce'
import { type Activity, moment } from './activity/index.js'
import type { Metrics } from './metrics/index.js'

/**
 * Lets both hear what every receiver of this process tells, from now on; returns what ends that. A delivery tells of itself
 * four times: what was told in a turn of the event loop is counted at its end, in one go.
 */
export function hear(metrics: Metrics, activity: Activity): () => void {
  let told: HookonceActivity[] = []
  const count = () => {
    const events = told
    told = []
    for (const event of events) metrics.onActivity(event)
    const now = moment()
    for (const event of events) activity.onActivity(event, now)
  }
  const onActivity = (message: unknown) => {
    if (told.push(message as HookonceActivity) === 1) setImmediate(count)
  }
  const onEvent = (message: unknown) => {
    const event = message as HookonceEvent
    metrics.onEvent(event)
    activity.onEvent(event)
  }
  subscribe(ACTIVITY_CHANNEL, onActivity)
  subscribe(EVENTS_CHANNEL, onEvent)
  return () => {
    unsubscribe(ACTIVITY_CHANNEL, onActivity)
    unsubscribe(EVENTS_CHANNEL, onEvent)
  }
}
