import { altered, type Mutation, mutation } from './mutation.js'

/** The head's fields, whatever they say. */
export const HEADERS: readonly Mutation[] = [
  mutation('header doubled', 5, (draft, { random }) => {
    const [name, value] = random.pick(draft.headers)
    draft.headers.splice(random.below(draft.headers.length + 1), 0, [
      name,
      random.chance(0.5) ? value : altered(value, random),
    ])
  }),
  mutation('header dropped', 4, (draft, { random }) => {
    draft.headers.splice(random.below(draft.headers.length), 1)
  }),
  mutation('headers in another order', 2, (draft, { random }) => {
    for (let at = draft.headers.length - 1; at > 0; at--) {
      const other = random.below(at + 1)
      ;[draft.headers[at], draft.headers[other]] = [draft.headers[other]!, draft.headers[at]!]
    }
  }),
  mutation('header names in another case', 3, (draft, { random }) => {
    for (const field of draft.headers) field[0] = random.chance(0.5) ? field[0].toUpperCase() : field[0].toLowerCase()
  }),
  mutation('header renamed', 6, (draft, { random }) => {
    const field = random.pick(draft.headers)
    field[0] = random.pick([
      field[0].replaceAll('-', '_'),
      field[0].replace('-', '_'),
      `${field[0]} `,
      `${field[0]}\t`,
      ` ${field[0]}`,
      `${field[0]}\x00`,
      `X-${field[0]}`,
      `${field[0]}\xff`,
      altered(field[0], random),
      '',
    ])
  }),
  mutation('header folded', 2, (draft, { random }) => {
    const field = random.pick(draft.headers)
    const at = random.below(field[1].length + 1)
    field[1] = field[1].slice(0, at) + random.pick(['\r\n ', '\r\n\t', '\n ', '\r\n  \r\n ']) + field[1].slice(at)
  }),
  mutation('header value altered', 4, (draft, { random }) => {
    const field = random.pick(draft.headers)
    field[1] = altered(field[1], random)
  }),
  mutation('white space around a value', 2, (draft, { random }) => {
    const field = random.pick(draft.headers)
    field[1] = `${random.pick(['', ' ', '\t', '   '])}${field[1]}${random.pick(['', ' ', '\t \t', ' '.repeat(500)])}`
  }),
  mutation('header of the receiver', 4, (draft, { random }) => {
    const names = [
      'X-Hookonce-Attempt',
      'X_Hookonce_Attempt',
      'X-Hookonce-Fencing-Token',
      'X-Cached',
      'X-Cached-At',
      'Idempotency-Key',
      'Idempotency_Key',
      'X-Idempotency-Key',
      'Idempotent-Replayed',
    ]
    draft.headers.push([random.pick(names), random.pick(['1', 'true', '', 'x'.repeat(300), '"'])])
  }),
  mutation('header of a proxy', 3, (draft, { random }) => {
    const names = [
      'X-Forwarded-For',
      'Forwarded',
      'X-Real-IP',
      'X-Forwarded-Host',
      'X-Original-URL',
      'X-Rewrite-URL',
      'X-HTTP-Method-Override',
      'Authorization',
      'Cookie',
      'Origin',
      'Via',
    ]
    draft.headers.push([
      random.pick(names),
      random.pick(['127.0.0.1', 'null', '/api/records', 'DELETE', 'Basic !', 'a=b; a=c', '\xe4']),
    ])
  }),
  mutation('header of one connection', 4, (draft, { random, event }) => {
    // Without its time an application could not tell apart what has no name.
    const credentials = event.source.credentials.filter(name => !name.endsWith('timestamp'))
    const named = random.pick([...credentials, 'content-type', 'host', 'content-length', 'idempotency-key'])
    draft.headers.push(
      random.pick<[string, string]>([
        ['Connection', named],
        ['Connection', `close, ${named}`],
        ['Connection', 'keep-alive'],
        ['Connection', 'upgrade'],
        ['Upgrade', random.pick(['websocket', 'h2c', 'HTTP/2.0'])],
        ['Keep-Alive', 'timeout=0'],
        ['TE', 'trailers'],
        ['Trailer', named],
        ['Proxy-Connection', 'close'],
        ['Expect', '100-continue'],
        ['Expect', '200-ok'],
        ['HTTP2-Settings', 'AAMAAABkAARAAAAAAAIAAAAA'],
      ]),
    )
  }),
  mutation('host changed', 3, (draft, { random }) => {
    const hosts = [
      '',
      'localhost',
      '127.0.0.1:1',
      '[::1]',
      'a b',
      'hooks.example.com, other',
      'ü',
      '/',
      'user@host',
      'x'.repeat(300),
    ]
    draft.headers = draft.headers.filter(([name]) => name !== 'Host')
    for (let count = random.below(3); count > 0; count--) draft.headers.unshift(['Host', random.pick(hosts)])
  }),
  mutation('many headers', 0.5, (draft, { random }) => {
    const count = random.pick([50, 180, 199, 201, 300, 1_100])
    for (let at = 0; at < count; at++) draft.headers.splice(random.below(draft.headers.length + 1), 0, [`j${at}`, ''])
  }),
  mutation('large header', 0.7, (draft, { random }) => {
    const length = random.pick([5_000, 12_000, 16_000, 16_384, 20_000, 70_000])
    if (random.chance(0.7)) draft.headers.push(['X-Large', 'x'.repeat(length)])
    else draft.headers.push(['x'.repeat(length), '1'])
  }),
]
