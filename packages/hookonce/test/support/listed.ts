import type { ListQuery, RecordSummary, Store } from 'hookonce'

/** All that a list finds from `after` on. A page may end early, by time as well, so one page proves nothing. */
export async function listed(store: Store, query: Partial<ListQuery> = {}): Promise<RecordSummary[]> {
  const records: RecordSummary[] = []
  for (let after = query.after; ; ) {
    const page = await store.list({ limit: 1000, ...query, ...(after && { after }) })
    records.push(...page.records)
    if (page.next === undefined) return records
    after = page.next
  }
}
