import { setImmediate } from 'node:timers/promises'
import type { Answer, ListQuery, Receiver, RecordPage } from 'hookonce'
import type { Shown } from '../config/redaction.js'
import { idempotencyRecord } from '../http/record-json.js'
import { recordPage } from './record-page.js'

/** A page ends before this size, unless it has only one record. */
const MAX_BYTES = 8 * 1_048_576

/**
 * Streams a page of events with their bodies: one event at a time is in memory, and other requests are served in between.
 *
 * @throws {InvalidRequest} as {@link recordPage}
 */
export async function fullEvents(
  receiver: Receiver,
  query: ListQuery,
  shownOf: (source: string) => Shown,
): Promise<Answer> {
  // A wrong query fails here, before the answer begins.
  const first = await recordPage(receiver, { ...query, limit: 1 })
  return {
    status: 200,
    headers: [['content-type', 'application/json']],
    body: Buffer.from('{"events":['),
    rest: events(receiver, query, first, shownOf),
    outcome: 'executed',
  }
}

/** Pages of one: the next page of this one may begin after any of them. */
async function* events(
  receiver: Receiver,
  query: ListQuery,
  first: RecordPage,
  shownOf: (source: string) => Shown,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  let count = 0
  let before = query.after
  let page = first
  for (;;) {
    for (const { scope, key } of page.records) {
      const record = await receiver.record(scope, key)
      if (record === undefined) continue
      const text = Buffer.from(
        `${count === 0 ? '' : ','}${JSON.stringify(idempotencyRecord.json(record, shownOf(scope)))}`,
      )
      if (count > 0 && bytes + text.length > MAX_BYTES) return yield end(before)
      bytes += text.length
      count++
      yield text
      await setImmediate()
    }
    // An empty page is the end, or as far as the store searches at a time.
    if (page.next === undefined || page.records.length === 0 || count >= query.limit) return yield end(page.next)
    before = page.next
    page = await receiver.records({ ...query, limit: 1, after: before })
  }
}

const end = (next: string | undefined): Uint8Array => Buffer.from(`],"next":${JSON.stringify(next ?? null)}}`)
