import type { Event } from '../events.js'
import type { Draft } from '../message.js'
import type { Random } from '../random.js'

export interface Context {
  random: Random
  event: Event
  /** Another event's delivery, whole: whether it may run depends on where the request before it ends. */
  hidden: () => Buffer
  /** Ms since the epoch. */
  now: number
}

/** One way to spoil a request, or to write it otherwise. */
export interface Mutation {
  name: string
  weight: number
  apply: (draft: Draft, context: Context) => void
}

export const mutation = (name: string, weight: number, apply: Mutation['apply']): Mutation => ({ name, weight, apply })

/** A character of a header changed, taken out or put in. */
export function altered(text: string, random: Random, alphabet = 'aA0 =,;.:/+\t\x00\x01\x7f\x80\xff'): string {
  const at = random.below(text.length + 1)
  const character = random.chance(0.5)
    ? random.pick([...alphabet])
    : String.fromCharCode(text.charCodeAt(at) ^ (1 << random.below(7)) || 65)
  return text.slice(0, at) + (random.chance(0.3) ? '' : character) + text.slice(random.chance(0.7) ? at + 1 : at)
}

/** One bit, byte or stretch of bytes changed. */
export function damaged(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1)
  const copy = Buffer.from(bytes)
  switch (random.below(5)) {
    case 0:
      return copy.subarray(0, at)
    case 1:
      return Buffer.concat([copy, random.bytes(random.between(1, 20))])
    case 2:
      return Buffer.concat([copy.subarray(0, at), random.bytes(random.between(1, 3)), copy.subarray(at)])
    case 3:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + random.between(1, 4))])
    default:
      if (at < copy.length) copy[at]! ^= 1 << random.below(8)
      return copy
  }
}
