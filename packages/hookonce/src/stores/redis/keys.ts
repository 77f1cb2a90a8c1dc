import type { RecordId } from '../store.js'

/** The number of hash tags, `{0}` to `{63}`, that records are distributed over. It is part of the keys, so it never changes. */
export const PARTITIONS = 64

/**
 * `<prefix>{<partition>}:<scope's length>:<scope><key>`. All keys of a partition are in one slot of a Cluster. The length
 * separates pairs of scope and key that concatenate to the same text.
 */
export function keyOf(prefix: string, { scope, key }: RecordId): string {
  return `${prefix}{${partitionOf(scope, key)}}:${scope.length}:${scope}${key}`
}

/** The record that a Redis key names; `undefined` for any other key. */
export function recordOf(prefix: string, name: string): RecordId | undefined {
  const [, length, rest] = /^\{\d+\}:(\d+):(.*)$/s.exec(name.slice(prefix.length)) ?? []
  if (rest === undefined) return undefined
  const id = { scope: rest.slice(0, Number(length)), key: rest.slice(Number(length)) }
  return keyOf(prefix, id) === name ? id : undefined
}

/** Whether a Redis key is that of a record of the scope. */
export function isRecordOf(prefix: string, scope: string, name: string): boolean {
  return name.startsWith(`${prefix}{`) && name.startsWith(`}:${scope.length}:${scope}`, name.indexOf('}'))
}

/** The pattern for SCAN: all records, or those of one scope. */
export function patternOf(prefix: string, scope: string | undefined): string {
  const tail = scope === undefined ? '[0-9]*' : `${scope.length}:${literal(scope)}*`
  return `${literal(prefix)}{*}:${tail}`
}

/**
 * The prefix of the keys of a scope's queue. In a Cluster each partition has its own queue, so that an accepted record and
 * its queue entries are in one slot; elsewhere a scope has one queue, which keeps the order of all its records.
 *
 * | key | type | content |
 * |---|---|---|
 * | `<queue>:log` | stream | the acceptance stream: each acceptance under its microsecond, with the group and the name of the record. The consumer group `agenda` keeps the position up to which it was read |
 * | `<queue>:agenda` | sorted set | the agenda, when to check which entry: `<microsecond>:<record>`, or the group of a record that has one; see record-codec.ts |
 * | `<queue>:group:=<group>` | sorted set | `<microsecond>:<record>` of the group's unfinished records, in the order of acceptance |
 */
export function queueOf(prefix: string, tag: QueueTag, scope: string): string {
  return `${prefix}{${tag}}:queue:${scope.length}:${scope}`
}

export const agendaOf = (prefix: string, tag: QueueTag, scope: string) => `${queueOf(prefix, tag, scope)}:agenda`

export const streamOf = (prefix: string, tag: QueueTag, scope: string) => `${queueOf(prefix, tag, scope)}:log`

/** The set of scopes in which something was accepted. */
export const scopesKeyOf = (prefix: string, tag: QueueTag) => `${prefix}{${tag}}:scopes`

/** The partition in a Cluster, `inbox` elsewhere. */
export type QueueTag = number | 'inbox'

export const queueTagsOf = (isCluster: boolean): QueueTag[] =>
  isCluster ? Array.from({ length: PARTITIONS }, (_, i) => i) : ['inbox']

export const queueTagOf = (isCluster: boolean, { scope, key }: RecordId): QueueTag =>
  isCluster ? partitionOf(scope, key) : 'inbox'

/** The order and the entries of a list of the journal: see journal.ts. */
export function journalKeysOf(prefix: string, list: string): [order: string, entries: string] {
  const name = `${prefix}{${partitionOf('', list)}}:journal:${list}`
  return [`${name}:order`, `${name}:entries`]
}

const literal = (text: string) => text.replace(/[\\*?[\]^]/g, '\\$&')

/** The sorted set of the store's id and its processes' marks in a partition. */
export const identityKeyOf = (prefix: string, partition: number) => `${prefix}{${partition}}:marks`

/** The partition that a record's Redis key is in. */
export const partitionIn = (prefix: string, name: string) => Number.parseInt(name.slice(prefix.length + 1), 10)

/** FNV-1a over UTF-16 code units: fast, and uniform enough for 64 partitions. */
function partitionOf(scope: string, key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < scope.length; i++) hash = Math.imul(hash ^ scope.charCodeAt(i), 0x01000193)
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return (hash ^ (hash >>> 15)) & (PARTITIONS - 1)
}
