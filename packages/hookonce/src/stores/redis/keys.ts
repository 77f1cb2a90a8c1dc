import type { RecordId } from '../store.js'

/** How many hash tags the records of a store are spread over: `{0}` to `{63}`. Part of the keys, so fixed for good. */
export const PARTITIONS = 64

/**
 * `<prefix>{<partition>}:<scope's length>:<scope><key>`. What belongs to one partition is in one slot of a Cluster;
 * the length keeps apart pairs whose concatenation is the same text.
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

/** Whether a Redis key is named as the records of a scope are. */
export function isRecordOf(prefix: string, scope: string, name: string): boolean {
  return name.startsWith(`${prefix}{`) && name.startsWith(`}:${scope.length}:${scope}`, name.indexOf('}'))
}

/** What SCAN compares names with: all records', or those of one scope. */
export function patternOf(prefix: string, scope: string | undefined): string {
  const tail = scope === undefined ? '[0-9]*' : `${scope.length}:${literal(scope)}*`
  return `${literal(prefix)}{*}:${tail}`
}

/**
 * The keys of a scope's queue begin with one name. In a Cluster each partition has a queue of its own, so that an
 * accepted record and what refers to it are in one slot; elsewhere one queue keeps the order of all.
 *
 * | key | | |
 * |---|---|---|
 * | `<queue>:log` | stream | the entrance: all acceptances, by the microsecond, each with the group and the name of the record. The consumer group `agenda` tells how far it was read |
 * | `<queue>:agenda` | sorted set | what was read: `<microsecond>:<record>` and, for those that have one, their groups; see record-codec.ts |
 * | `<queue>:group:=<group>` | sorted set | the same of a group's unfinished records, in the order of acceptance |
 */
export function queueOf(prefix: string, tag: QueueTag, scope: string): string {
  return `${prefix}{${tag}}:queue:${scope.length}:${scope}`
}

export const agendaOf = (prefix: string, tag: QueueTag, scope: string) => `${queueOf(prefix, tag, scope)}:agenda`

export const logOf = (prefix: string, tag: QueueTag, scope: string) => `${queueOf(prefix, tag, scope)}:log`

/** The scopes in which something was accepted. */
export const scopesKeyOf = (prefix: string, tag: QueueTag) => `${prefix}{${tag}}:scopes`

/** A partition of a Cluster; `inbox` elsewhere. */
export type QueueTag = number | 'inbox'

export const queueTagsOf = (isCluster: boolean): QueueTag[] =>
  isCluster ? Array.from({ length: PARTITIONS }, (_, i) => i) : ['inbox']

export const queueTagOf = (isCluster: boolean, { scope, key }: RecordId): QueueTag =>
  isCluster ? partitionOf(scope, key) : 'inbox'

const literal = (text: string) => text.replace(/[\\*?[\]^]/g, '\\$&')

/** Where the store's id and the marks of its processes are kept in a partition. */
export const identityKeyOf = (prefix: string, partition: number) => `${prefix}{${partition}}:marks`

/** The partition that a record's Redis key is in. */
export const partitionIn = (prefix: string, name: string) => Number.parseInt(name.slice(prefix.length + 1), 10)

/** FNV-1a over UTF-16 code units: a few dozen nanoseconds, and even enough for 64 parts. */
function partitionOf(scope: string, key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < scope.length; i++) hash = Math.imul(hash ^ scope.charCodeAt(i), 0x01000193)
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return (hash ^ (hash >>> 15)) & (PARTITIONS - 1)
}
