import type { Framed } from '../message.js'
import type { Random } from '../random.js'
import { type Context, damaged, type Mutation, mutation } from './mutation.js'

/** Where a body ends, and what is told of that. */
export const FRAMING: readonly Mutation[] = [
  mutation('in chunks', 8, (draft, { random }) => {
    draft.frame = body => chunked(body, random)
  }),
  mutation('in damaged chunks', 4, (draft, { random }) => {
    draft.frame = body => {
      const { headers, payload } = chunked(body.subarray(0, 300), random)
      return { headers, payload: damaged(payload, random) }
    }
  }),
  mutation('in chunks of a wrong form', 4, (draft, { random }) => {
    draft.frame = body => {
      const size = body.length.toString(16)
      const told = random.pick([
        `0x${size}`,
        `+${size}`,
        `-${size}`,
        ` ${size}`,
        `${size} `,
        `${size}${size}`,
        'ffffffffffffffff',
        `${'0'.repeat(40)}${size}`,
        '',
        `${size};`,
        `${size} ;a`,
        `${size}\n`,
      ])
      const end = random.pick(['\r\n', '\n', '\r', ''])
      const payload = Buffer.concat([Buffer.from(`${told}\r\n`), body, Buffer.from(`${end}0\r\n\r\n`)])
      return { headers: [['Transfer-Encoding', 'chunked']], payload }
    }
  }),
  mutation('wrong length', 6, (draft, { random }) => {
    draft.frame = body => ({ headers: [['Content-Length', String(wrong(body.length, random))]], payload: body })
  }),
  mutation('length of a wrong form', 5, (draft, { random }) => {
    draft.frame = body => {
      const { length } = body
      const forms = [
        `+${length}`,
        `-${length}`,
        `0x${length.toString(16)}`,
        `${length}.0`,
        `${length}e0`,
        `00${length}`,
        `${length},${length}`,
        `${length}, ${length + 1}`,
        `${length} ${length}`,
        '',
        'x',
        '9'.repeat(30),
        `${length}\x00`,
        `\x0b${length}`,
      ]
      return { headers: [['Content-Length', random.pick(forms)]], payload: body }
    }
  }),
  mutation('two lengths', 4, (draft, { random, hidden }) => {
    draft.frame = body => {
      const lengths = [body.length, random.chance(0.3) ? body.length : wrong(body.length, random)]
      if (random.chance(0.5)) lengths.reverse()
      return {
        headers: lengths.map(length => ['Content-Length', String(length)]),
        payload: Buffer.concat([body, hidden()]),
      }
    }
  }),
  mutation('length and chunks', 6, (draft, context) => {
    draft.frame = body => lengthAndChunks(body, context)
  }),
  mutation('another transfer coding', 5, (draft, { random }) => {
    const codings = [
      'Chunked',
      'chunked, chunked',
      'gzip, chunked',
      'chunked, gzip',
      'identity',
      'xchunked',
      'chunked;a=b',
      '"chunked"',
      'chunked,',
      ',chunked',
      ' \x0bchunked',
      'chunked\x00',
      '',
    ]
    draft.frame = body => ({
      headers: [['Transfer-Encoding', random.pick(codings)]],
      payload: chunked(body, random).payload,
    })
  }),
  mutation('no framing', 2, draft => {
    draft.frame = body => ({ headers: [], payload: body })
  }),
  mutation('a request in the body', 3, (draft, { random, hidden }) => {
    draft.frame = body => {
      const inner = hidden()
      const length = random.pick([0, body.length, body.length + inner.length])
      return { headers: [['Content-Length', String(length)]], payload: Buffer.concat([body, inner]) }
    }
  }),
]

/** The bytes as they go out. */
export const WIRE: readonly Mutation[] = [
  mutation('bytes damaged', 8, (draft, { random }) => {
    draft.changes.push(bytes => damaged(bytes, random))
  }),
  mutation('head damaged', 6, (draft, { random }) => {
    draft.changes.push(bytes => {
      const end = bytes.indexOf('\r\n\r\n') + 4
      const head = bytes.subarray(0, end)
      return Buffer.concat([damaged(head, random), bytes.subarray(end)])
    })
  }),
  mutation('cut short', 5, (draft, { random }) => {
    draft.changes.push(bytes => bytes.subarray(0, random.below(bytes.length)))
  }),
  mutation('lines end otherwise', 3, (draft, { random }) => {
    const end = random.pick(['\n', '\r', '\r\r\n', '\n\r', '\r\n\r\n'])
    draft.changes.push(bytes => {
      const at = bytes.indexOf('\r\n', random.below(Math.min(400, bytes.length)))
      return at === -1 ? bytes : Buffer.concat([bytes.subarray(0, at), Buffer.from(end), bytes.subarray(at + 2)])
    })
  }),
  mutation('something before it', 3, (draft, { random }) => {
    const before = random.pick([
      '\r\n',
      '\r\n\r\n',
      '\n',
      ' ',
      '\x00',
      '\ufeff',
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n',
      'GET / HTTP/1.1\r\n',
    ])
    draft.changes.push(bytes => Buffer.concat([Buffer.from(before, 'latin1'), bytes]))
  }),
  mutation('something after it', 2, (draft, { random }) => {
    draft.changes.push(bytes =>
      Buffer.concat([bytes, Buffer.from(random.pick(['\r\n', '\n\n', '0\r\n\r\n', 'X', 'POST ', '\x00']))]),
    )
  }),
]

/** Extensions, trailers and sizes as the standard allows them. */
function chunked(body: Buffer, random: Random): Framed {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const part = body.subarray(
      at,
      at + random.pick([1, 2, 7, 16, 255, 4_096, 65_536]) * (body.length > 5_000 ? 100 : 1),
    )
    const size = part.length.toString(16)
    const told = random.pick([size, size.toUpperCase(), `000${size}`, `${size};a=b`, `${size};q="x;y"`])
    parts.push(Buffer.from(`${told}\r\n`), part, Buffer.from('\r\n'))
    at += part.length
  }
  const trailers = random.pick([
    '',
    '',
    'X-Trailer: 1\r\n',
    'X-Hub-Signature-256: sha256=00\r\nContent-Length: 1\r\n',
    'Transfer-Encoding: chunked\r\n',
  ])
  parts.push(Buffer.from(`0\r\n${trailers}\r\n`))
  return { headers: [['Transfer-Encoding', 'chunked']], payload: Buffer.concat(parts) }
}

function wrong(length: number, random: Random): number {
  return Math.max(0, random.pick([0, 1, length - 1, length + 1, length + 100, length - 10, 2 * length, 1_048_577]))
}

/** Two readers of this, one by length and one by chunks, would see requests of their own behind it. */
function lengthAndChunks(body: Buffer, { random, hidden }: Context): Framed {
  const inner = random.chance(0.5) ? hidden() : Buffer.alloc(0)
  const payload = Buffer.concat([chunked(body, random).payload, inner])
  const length = String(random.pick([0, 4, body.length, payload.length - inner.length, payload.length]))
  const coding = random.pick([
    'chunked',
    'Chunked',
    'identity',
    'xchunked',
    'chunked, identity',
    '\tchunked',
    'chunked\r\n\t',
  ])
  const names = random.pick([
    ['Content-Length', 'Transfer-Encoding'],
    ['Content-Length', 'Transfer_Encoding'],
    ['content_length', 'Transfer-Encoding'],
    ['Content-Length', 'Transfer-Encoding '],
    ['Content-Length', '\tTransfer-Encoding'],
  ])
  const headers: [string, string][] = [
    [names[0]!, length],
    [names[1]!, coding],
  ]
  return { headers: random.chance(0.5) ? headers : headers.reverse(), payload }
}
