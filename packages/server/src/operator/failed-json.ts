import type { Delivery } from 'hookonce'
import type { Shown } from '../config/redaction.js'
import { INTEGER, nullable, object, TEXT, TIME } from '../http/openapi/json-schema.js'
import { DELIVERY, deliveryJson, isoTime } from '../http/record-json.js'
import type { FailedDelivery } from './failed-deliveries.js'

const SUMMARY = {
  source: TEXT,
  key: TEXT,
  at: { ...TIME, description: 'when it was answered, the last time' },
  status: { ...INTEGER, description: 'that it was answered' },
  outcome: { enum: ['failed', 'lost'] },
  request_id: nullable('string'),
  bytes: { ...INTEGER, description: 'of its body' },
  replayable: { type: 'boolean', description: 'false: its body is not kept, or not as it came' },
}

/** One of `GET /api/failed`. */
export const FAILED_SUMMARY = object(SUMMARY)

/** `GET /api/failed/delivery`. */
export const FAILED = object({ ...SUMMARY, delivery: object(DELIVERY) })

export const failedSummaryJson = ({ at, requestId, isWhole, ...failed }: FailedDelivery) => {
  const { source, key, status, outcome, bytes } = failed
  return { source, key, at: isoTime(at), status, outcome, request_id: requestId, bytes, replayable: isWhole }
}

export const failedJson = (failed: FailedDelivery, delivery: Delivery, shown: Shown) => ({
  ...failedSummaryJson(failed),
  delivery: deliveryJson(delivery, shown),
})
