import type { Answer, Delivery, Receiver, Store } from 'hookonce'
import type { ResolvedSource } from '../../config/resolve.js'
import { labRecord } from '../../http/record-json.js'

/** One event of a source, and what an experiment does with it. */
export interface Experiment {
  source: string
  configured: ResolvedSource
  /** Of its record. */
  key: string
  delivery: Delivery
  receive(delivery: Delivery): Promise<Answer>
  receiver: Receiver
  store: Store
}

export type LabRecord = ReturnType<typeof labRecord.json>

/** How far an experiment is. */
export interface Progress {
  key: string
  /** Of the event; `null`: there is none yet. */
  record: LabRecord | null
}

/** The record of the event as an experiment shows it. */
export async function recordOf({ receiver, source, key }: Experiment): Promise<LabRecord | null> {
  const record = await receiver.record(source, key)
  return record === undefined ? null : labRecord.json(record)
}

/** How often the record is read while something is awaited. */
export const READ_EVERY_MS = 1_000

/** So long a worker is given to settle an accepted delivery. */
export const PATIENCE_MS = 60_000

/** Nothing more happens to it by itself, or not soon. */
export const isSettled = (record: LabRecord | null): boolean =>
  record !== null && (record.state === 'completed' || record.state === 'failed' || record.state === 'dead')
