/**
 * What a store keeps beside the records for operators to look at: lists of entries, each with a time. No decision about a
 * record depends on it, and no operation on a record waits for it.
 *
 * All entries of a list are kept equally long. An expired entry counts as absent; later writes remove it. An operation that
 * fails rejects with `StoreError`; each may be repeated.
 */
export interface Journal {
  /** Adds entries, all or none of each list. An entry replaces the one of its list with its id; of two in one call the later stays. */
  write(entries: readonly NewEntry[]): Promise<void>

  /** The entries of a list, newest first; among those of one time by id, descending. */
  read(list: string, query: JournalQuery): Promise<JournalEntry[]>

  /** One entry, or `undefined`. */
  find(list: string, id: string): Promise<JournalEntry | undefined>

  /** Removes an entry. `false`: there was none. */
  remove(list: string, id: string): Promise<boolean>

  /** Removes all but the newest `most` entries of a list, and returns how many it removed. */
  trim(list: string, most: number): Promise<number>
}

export interface JournalEntry {
  /** At most {@link MAX_ENTRY_ID_BYTES} bytes. */
  id: string
  /** Whole milliseconds since the epoch, by the store's clock unless whoever wrote it said otherwise. */
  at: number
  value: Uint8Array
}

export interface NewEntry extends Omit<JournalEntry, 'at'> {
  /** Default: when it is written, by the store's clock. */
  at?: number | undefined
  /** At most {@link MAX_ENTRY_ID_BYTES} bytes. */
  list: string
  /** Counted from the write on, by the store's clock. */
  keepMs: number
}

export interface JournalQuery {
  /** Entries of this time or later. */
  since?: number
  /** Entries before this time. */
  until?: number
  /** Entries after this one in the order of the list: the last one that was read. */
  after?: Pick<JournalEntry, 'id' | 'at'>
  /** 1 to 1,000. */
  limit: number
}

/** A key or a list's name may contain a scope and a key. */
export const MAX_ENTRY_ID_BYTES = 1024

/** The entries that a write of several leaves: the last of each list and id. */
export function lastOfEach(entries: readonly NewEntry[]): NewEntry[] {
  const last = new Map<string, NewEntry>()
  for (const entry of entries) last.set(`${entry.list.length} ${entry.list}${entry.id}`, entry)
  return [...last.values()]
}
