import { deflateSync, gzipSync } from 'node:zlib'
import type { Event } from '../events.js'
import type { Draft } from '../message.js'
import { altered, type Context, damaged, type Mutation, mutation } from './mutation.js'

/** What is delivered, and what proves who did. */
export const CONTENT: readonly Mutation[] = [
  mutation('body damaged', 8, (draft, { random }) => {
    draft.body = damaged(draft.body, random)
  }),
  mutation('body spelled otherwise', 3, (draft, { random }) => {
    const text = draft.body.toString()
    const spelled = random.pick([
      () => ` ${text}\n`,
      () => text.replaceAll('":', '" : '),
      () => text.replace(/[a-z]/, letter => `\\u00${letter.charCodeAt(0).toString(16)}`),
      () => text.replaceAll('+', '%20'),
      () => text.replaceAll(/%[0-9A-F]{2}/g, escaped => escaped.toLowerCase()),
      () => text.split('&').reverse().join('&'),
      // A name's last letter becomes its value's first.
      () => text.replace(/([A-Za-z])=/, '=$1'),
      () => `${text}&${text}`,
    ])()
    draft.body = Buffer.from(spelled)
  }),
  mutation('body of another kind', 2, (draft, { random }) => {
    draft.body = random.pick([
      Buffer.alloc(0),
      Buffer.from('{}'),
      Buffer.from('{'),
      random.bytes(200),
      Buffer.from('a=b'),
    ])
  }),
  mutation('body compressed', 1, (draft, { random }) => {
    const [coding, compress] = random.pick([
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['br', gzipSync],
    ] as const)
    draft.body = compress(draft.body)
    if (random.chance(0.8)) draft.headers.push(['Content-Encoding', coding])
  }),
  mutation('body large', 0.1, (draft, { random }) => {
    draft.body = Buffer.concat([draft.body, Buffer.alloc(random.pick([1_000_000, 1_048_577, 3_000_000]), ' ')])
  }),
  mutation('content type changed', 3, (draft, { random }) => {
    const types = [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      '',
      '/',
      'a'.repeat(900),
    ]
    replace(draft, 'content-type', `${random.pick(types)}${random.pick(['', '; charset=utf-16', ';;=', ',text/html'])}`)
  }),
]

export const CREDENTIALS: readonly Mutation[] = [
  mutation('credential altered', 10, (draft, context) =>
    change(draft, context, value => altered(value, context.random)),
  ),
  mutation('credential cut', 2, (draft, context) =>
    change(draft, context, value => value.slice(0, context.random.below(value.length))),
  ),
  mutation('credential lengthened', 2, (draft, context) =>
    change(
      draft,
      context,
      value => value + context.random.pick(['0', 'A', '=', ' x', ',v1=00', `${'0'.repeat(4_000)}`, '\xc3\xa4']),
    ),
  ),
  mutation('credential in another case', 2, (draft, { random, event }) => {
    for (const field of draft.headers) {
      if (!event.source.credentials.includes(field[0].toLowerCase())) continue
      field[1] = random.chance(0.5)
        ? field[1].toUpperCase()
        : field[1].replace(/^(\w+)=/, (_, name) => `${name.toUpperCase()}=`)
    }
  }),
  mutation('credential of another scheme', 2, (draft, context) =>
    change(draft, context, value =>
      context.random.pick([
        value.replace('v1', 'v0'),
        value.replace('sha256', 'sha1'),
        value.replace(/^\w+=/, ''),
        `sha256=${value}`,
        `Bearer ${value}`,
        'undefined',
        'null',
        '',
      ]),
    ),
  ),
  mutation('many signatures', 2, (draft, { random, event }) => {
    const count = random.pick([1, 2, 9, 10, 11, 200])
    const more: Record<string, [string, string]> = {
      stripe: ['stripe-signature', `,v1=${'0'.repeat(64)}`],
      paddle: ['paddle-signature', `;h1=${'0'.repeat(64)}`],
      'standard-webhooks': ['webhook-signature', ` v1,${'0'.repeat(43)}=`],
    }
    const [header, extra] = more[event.source.name] ?? [random.pick(event.source.credentials), ',x=y']
    for (const field of draft.headers) if (field[0] === header) field[1] += extra.repeat(count)
  }),
  mutation(
    'secret of a stranger',
    5,
    sign(({ event, now }) => resigned(event, now, event.source.stranger)),
  ),
  mutation(
    'signed over another body',
    3,
    sign(({ event, now, random }) => resigned({ ...event, body: damaged(event.body, random) }, now)),
  ),
  mutation(
    'signed long ago',
    3,
    sign(({ event, now, random }) => resigned(event, now - random.pick([400_000, 2_000_000, 86_400_000, 1e11]))),
  ),
  mutation(
    'signed in the future',
    3,
    sign(({ event, now, random }) => resigned(event, now + random.pick([400_000, 2_000_000, 86_400_000, 1e12]))),
  ),
  mutation(
    'signed a minute ago',
    2,
    sign(({ event, now, random }) => resigned(event, now - random.between(-60_000, 60_000))),
  ),
  mutation('time spelled otherwise', 4, (draft, { random }) => {
    const spelled = (seconds: string) =>
      random.pick([
        `+${seconds}`,
        `${seconds}.0`,
        `0${seconds}`,
        `${seconds}000`,
        `0x${Number(seconds).toString(16)}`,
        ` ${seconds}`,
        `${seconds.slice(0, 1)}.${seconds.slice(1)}e9`,
        `-${seconds}`,
        'NaN',
        '',
      ])
    for (const field of draft.headers) field[1] = field[1].replace(/(?<![0-9a-f])1[0-9]{9}(?![0-9a-f])/, spelled)
  }),
  mutation('no credentials', 2, (draft, { event }) => {
    draft.headers = draft.headers.filter(([name]) => !event.source.credentials.includes(name.toLowerCase()))
  }),
]

/** What is not signed and is there to be told apart by. */
export const LABELS: readonly Mutation[] = [
  mutation('label changed', 4, (draft, context) => {
    const labels = draft.headers.filter(([name]) => isLabel(name, context.event))
    if (labels.length > 0) context.random.pick(labels)[1] = label(context)
  }),
  mutation('label doubled', 2, (draft, context) => {
    const labels = draft.headers.filter(([name]) => isLabel(name, context.event))
    for (const [name] of labels) draft.headers.push([name, label(context)])
  }),
  mutation('no labels', 2, (draft, context) => {
    draft.headers = draft.headers.filter(([name]) => !isLabel(name, context.event))
  }),
]

const label = ({ random }: Context): string =>
  random.pick([
    random.text(12),
    '',
    ' ',
    'ü'.repeat(3),
    'x'.repeat(300),
    '"quoted',
    '"quoted"',
    '../../etc',
    'a b',
    '__proto__',
    '\x80\xff',
  ])

/** What names an event to people and is no proof of anything. */
export const isLabel = (name: string, { source }: Event): boolean =>
  LABEL.test(name) && !source.credentials.includes(name.toLowerCase())

const LABEL = /^(x-github|x-shopify|idempotency|i-twilio)/i

function change(draft: Draft, { random, event }: Context, to: (value: string) => string): void {
  const name = random.pick(event.source.credentials)
  for (const field of draft.headers) if (field[0].toLowerCase() === name) field[1] = to(field[1])
}

function replace(draft: Draft, name: string, value: string): void {
  draft.headers = draft.headers.filter(([each]) => each.toLowerCase() !== name)
  draft.headers.push([name, value])
}

type Headers = readonly (readonly [string, string])[]

/** The headers that prove who sends, made anew. */
function sign(make: (context: Context) => Headers): Mutation['apply'] {
  return (draft, context) => {
    const { credentials } = context.event.source
    draft.headers = draft.headers.filter(([name]) => !credentials.includes(name.toLowerCase()))
    for (const [name, value] of make(context)) if (credentials.includes(name)) draft.headers.push([name, value])
  }
}

/** Of the event alone, whatever became of its body: two bodies under one name would be one delivery, or lose one. */
function resigned({ source, id, query, body }: Event, now: number, by = source.sender): Headers {
  return by.sign({ method: 'POST', url: source.publicUrl + query, body, id, now })
}
