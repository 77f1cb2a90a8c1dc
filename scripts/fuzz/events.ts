import { gzipSync } from 'node:zlib'
import { SENDERS } from 'hookonce/senders'
import { Random } from './random.js'
import { type FuzzSource, SOURCES } from './sources.js'

/** What a sender has to tell, once: no two have the same body. */
export interface Event {
  number: number
  source: FuzzSource
  id: string
  body: Buffer
  contentType: string
  contentEncoding?: string
  /** With its question mark, or nothing. */
  query: string
  /** Whether the receiver must take it. An odd one it may refuse, for its key cannot be read. */
  ordinary: boolean
}

/** Event numbers and request numbers count the same; their random numbers must not. */
const EVENTS = 0x4000_0000

/** The event of a number: the same whenever it is asked for. */
export function eventOf(seed: number, number: number): Event {
  const random = new Random(seed, EVENTS + number)
  const source = random.pick(SOURCES)
  const id = `evt-${seed}-${number}`
  const event = { number, source, id, query: queryOf(source, random), ordinary: true }
  if (random.chance(0.04)) return { ...event, ...oddContent(event, random) }
  if (source.name === 'twilio') return { ...event, ...form({ MessageSid: id, MessageStatus: 'delivered' }, random) }
  if (source.name === 'slack' && random.chance(0.3)) return { ...event, ...form({ trigger_id: id }, random) }
  if (source.name === 'github' && random.chance(0.2))
    return { ...event, ...form({ payload: json(event, random) }, random) }
  return { ...event, body: Buffer.from(json(event, random)), contentType: 'application/json' }
}

type Named = Pick<Event, 'source' | 'id'>

function queryOf(source: FuzzSource, random: Random): string {
  if (!random.chance(source.name === 'twilio' ? 0.5 : 0.1)) return ''
  return `?tenant=${random.text(4)}&note=${encodeURIComponent(random.text(6, 'ab &+=%ü'))}`
}

function json({ source, id }: Named, random: Random): string {
  const end = JSON.stringify({ fuzz: id, text: prose(random) })
  return EXAMPLES.get(source.name)!.replaceAll(AN_ID, id) + end.slice(1)
}

const AN_ID = 'evt-of-an-example'

/** By source: an event of its sender, open at its end. */
const EXAMPLES = new Map(
  SOURCES.map(({ name }) => {
    const { body, contentType } = SENDERS.get(name)!.examples({ id: AN_ID, now: 1_700_000_000_000 })[0]!
    return [name, contentType === 'application/json' ? `${body.slice(0, -1)},` : '{']
  }),
)

function form(fields: Record<string, string>, random: Random) {
  const body = new URLSearchParams({ ...fields, Body: prose(random), From: '+15005550006' })
  return { body: Buffer.from(String(body)), contentType: 'application/x-www-form-urlencoded' }
}

/** Mostly short, sometimes what no single read of a socket brings. */
function prose(random: Random): string {
  const length = random.chance(0.01) ? random.between(70_000, 200_000) : random.between(0, 300)
  return random.text(Math.min(length, 500), 'abc XYZ äß€😀"\\\u2028=&+%').padEnd(length, '.')
}

/** Senders whose key is no field of the body, and whose form is free: they take any bytes. */
const TAKES_ANY = new Set(['github', 'shopify', 'gitlab', 'standard-webhooks'])

/** What a sender has no business to send, with a good signature. */
function oddContent(event: Named, random: Random): Omit<Event, 'number' | 'query' | keyof Named> {
  const { id, source } = event
  const tail = Buffer.from(id)
  const text = json(event, random)
  const ordinary = TAKES_ANY.has(source.name)
  if (random.chance(0.2)) {
    return { body: gzipSync(text), contentType: 'application/json', contentEncoding: 'gzip', ordinary }
  }
  const bodies: (() => Buffer)[] = [
    () => Buffer.concat([Buffer.from([0xff, 0xfe, 0x00, 0xc0]), tail]),
    () => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]),
    () => Buffer.from(`${'['.repeat(random.between(1, 20_000))}"${id}"`),
    () => Buffer.from(text.slice(0, -1)),
    () =>
      Buffer.from(
        `{"__proto__":{"id":"x"},"constructor":1,"id":${random.pick(['1e400', 'null', '{}', '""'])},"n":"${id}"}`,
      ),
    () => Buffer.from(`{"id":"${id}","id":"${id}-2","event_id":["${id}"]}`),
    () => Buffer.from(`{"id":"${'x'.repeat(random.between(200, 5_000))}${id}","event_id":"ü ${id}"}`),
    () => Buffer.from(`"${id}\\ud800"`),
    () => Buffer.from(`payload=%ZZ%u00&&&=&trigger_id=${id}&payload={`),
  ]
  const body = random.pick(bodies)()
  const contentType = random.pick(['application/json', 'application/x-www-form-urlencoded', 'text/plain', 'x', ''])
  return { body, contentType, ordinary }
}
