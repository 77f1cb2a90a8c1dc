/**
 * In the headers of a recorded result: the `traceparent` of the run that made it. No sender gets it. Not a name in
 * `X-Hookonce-`, which the receiver removes.
 */
export const TRACE_HEADER = 'hookonce-trace'
