import { type Event, eventOf } from './events.js'
import { bytesOf, draftOf } from './message.js'
import { CONTENT, CREDENTIALS, isLabel, LABELS } from './mutations/content.js'
import { FRAMING, WIRE } from './mutations/framing.js'
import { HEADERS } from './mutations/headers.js'
import type { Mutation } from './mutations/mutation.js'
import { TARGET } from './mutations/target.js'
import { Random } from './random.js'

/** What is sent under one number: the same for the same seed, number and time. */
export interface Shot {
  number: number
  /** What was done to it, in words. */
  label: string
  /** All that goes over a connection. */
  bytes: Buffer
  /** How many connections it goes over at once. */
  copies: number
  /** In so many writes. */
  pieces: number
  /** How the client ends the connection as soon as all is written, if it does. */
  ending: 'ends' | 'breaks off' | undefined
  /** What it is made of. */
  events: Event[]
  /** Of those, the ones that were delivered before. */
  earlier: Event[]
}

const MUTATIONS: readonly Mutation[] = [CONTENT, CREDENTIALS, LABELS, HEADERS, TARGET, FRAMING, WIRE].flat()

/** How far back a delivery is repeated. */
const MEMORY = 2_000

/** Numbers of events that no request is made for. */
const HIDDEN = 0x1000_0000

interface Planning {
  seed: number
  number: number
  now: number
  random: Random
}

type Planned = Pick<Shot, 'label' | 'events'> & { bytes: Buffer; copies?: number; earlier?: Event[] }

const KINDS: { weight: number; plan: (planning: Planning) => Planned }[] = [
  { weight: 18, plan: planning => intact(planning, eventOf(planning.seed, planning.number)) },
  {
    weight: 10,
    plan: planning => ({ ...intact(planning, earlierEvent(planning)), copies: planning.random.between(1, 2) }),
  },
  {
    weight: 3,
    plan: planning => ({
      ...intact(planning, eventOf(planning.seed, planning.number)),
      copies: planning.random.between(2, 8),
    }),
  },
  { weight: 46, plan: planning => mutated(planning, eventOf(planning.seed, planning.number)) },
  { weight: 12, plan: captured },
  { weight: 2, plan: guessed },
  { weight: 8, plan: pipelined },
  { weight: 1, plan: noise },
]

/** @param now ms since the epoch: when it is signed */
export function shotOf(seed: number, number: number, now: number): Shot {
  const random = new Random(seed, number)
  const planned = random.weighted(KINDS).plan({ seed, number, now, random })
  const { ending } = random.weighted(ENDINGS)
  return { number, copies: 1, pieces: random.chance(0.08) ? random.between(2, 6) : 1, ending, earlier: [], ...planned }
}

const ENDINGS = [
  { weight: 95, ending: undefined },
  { weight: 3, ending: 'ends' },
  { weight: 2, ending: 'breaks off' },
] as const

function earlierEvent({ seed, number, random }: Planning): Event {
  return eventOf(seed, random.between(Math.max(0, number - MEMORY), number))
}

function intact(planning: Planning, event: Event): Planned {
  return { label: `intact ${event.source.name}`, events: [event], bytes: bytesOf(draftOf(event, planning)) }
}

/** A delivery that was taken before, and what somebody who has seen it may make of it. */
function captured(planning: Planning): Planned {
  const event = earlierEvent(planning)
  return { ...mutated(planning, event), earlier: [event] }
}

/** A delivery that was taken before under the name of one to come, which then comes: neither may be lost. */
function guessed(planning: Planning): Planned {
  const { seed, number } = planning
  const seen = earlierEvent(planning)
  let next = number
  while (eventOf(seed, next).source !== seen.source) next++
  const event = eventOf(seed, next)
  const draft = draftOf(seen, planning)
  const names = draftOf(event, planning).headers.filter(([name]) => isLabel(name, event))
  draft.headers = [...draft.headers.filter(([name]) => !isLabel(name, event)), ...names]
  return {
    label: `guessed name, ${event.source.name}`,
    bytes: Buffer.concat([bytesOf(draft), bytesOf(draftOf(event, planning))]),
    events: [seen, event],
    earlier: [seen],
  }
}

function mutated(planning: Planning, event: Event): Planned {
  const { random, seed, number, now } = planning
  const draft = draftOf(event, planning)
  const events = [event]
  const hidden = () => {
    const other = eventOf(seed, HIDDEN + number)
    events.push(other)
    return bytesOf(draftOf(other, planning))
  }
  const chosen = Array.from({ length: random.weighted(HOW_MANY).count }, () => random.weighted(MUTATIONS))
  for (const { apply } of chosen) apply(draft, { random, event, hidden, now })
  const label = `${event.source.name}: ${chosen.map(({ name }) => name).join(', ')}`
  return { label, bytes: bytesOf(draft), events }
}

const HOW_MANY = [
  { weight: 70, count: 1 },
  { weight: 22, count: 2 },
  { weight: 8, count: 3 },
]

function pipelined(planning: Planning): Planned {
  const { random } = planning
  const parts = Array.from({ length: random.between(2, 8) }, (_, at) => {
    const event = at === 0 ? eventOf(planning.seed, planning.number) : earlierEvent(planning)
    return random.chance(0.75) ? intact(planning, event) : mutated(planning, event)
  })
  return {
    label: `pipelined [${parts.map(({ label }) => label).join(' | ')}]`,
    events: parts.flatMap(({ events }) => events),
    bytes: Buffer.concat(parts.map(({ bytes }) => bytes)),
  }
}

function noise({ random }: Planning): Planned {
  const bytes = random.pick([
    () => random.bytes(random.between(1, 2_000)),
    () => Buffer.from(random.text(random.between(1, 500), 'GETPOS /HTTP1.:\r\n\t \0')),
    () => Buffer.from(`POST /hooks/github HTTP/1.1\r\n${random.text(20_000)}`),
    () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'),
    () => Buffer.alloc(0),
  ])()
  return { label: 'noise', events: [], bytes }
}
