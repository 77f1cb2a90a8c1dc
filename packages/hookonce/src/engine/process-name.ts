import { processOf } from '../stores/history.js'
import { newLeaseId } from './lease.js'

/** The name of this process in the history of records: `RecordedAttempt.process` of its attempts. */
export const processName = (): string => processOf(newLeaseId())
