import type { Answer } from 'hookonce'
import type { Activity } from '../observability/activity/index.js'
import type { Metrics, Overload } from '../observability/metrics/index.js'

/** Tells both who count of what the server answers without its receiver. */
export class Refusals {
  readonly #metrics: Metrics
  readonly #activity: Activity

  constructor(metrics: Metrics, activity: Activity) {
    this.#metrics = metrics
    this.#activity = activity
  }

  told(source: string, answer: Answer, overload?: Overload): Answer {
    this.#metrics.refused(source, answer.outcome, overload)
    this.#activity.refused(source, answer)
    return answer
  }
}
