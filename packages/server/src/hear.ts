import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { ACTIVITY_CHANNEL, EVENTS_CHANNEL, type HookonceActivity, type HookonceEvent } from 'hookonce'
import type { Activity } from './activity/index.js'
import type { Metrics } from './metrics/index.js'

/**
 * Lets both hear what every receiver of this process tells, from now on; returns what ends that. One subscriber for the
 * two, for a delivery tells of itself six times.
 */
export function hear(metrics: Metrics, activity: Activity): () => void {
  const onActivity = (message: unknown) => {
    const event = message as HookonceActivity
    metrics.onActivity(event)
    activity.onActivity(event)
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
