import { METHODS } from 'node:http'

/** A request as its bytes say it (RFC 9112), read by nobody else's code. */
export interface ReadRequest {
  method: string
  target: string
  version: string
  /** Names in lower case, values without the white space around them; one character a byte. */
  headers: [name: string, value: string][]
  body: Buffer
  /** A receiver may also refuse it, or take its connection for spoilt. */
  lenient: boolean
  /** The connection ends with its answer. */
  closes: boolean
}

export interface Reading {
  requests: ReadRequest[]
  /** What stands behind the last request: nothing, the beginning of one, or what is none and must be refused. */
  rest: 'nothing' | 'incomplete' | 'malformed'
}

/** Every request on a connection that these are all bytes of. */
export function readRequests(bytes: Buffer): Reading {
  const requests: ReadRequest[] = []
  const cursor = new Cursor(bytes)
  try {
    for (;;) {
      const lenient = cursor.skipEmptyLines()
      if (cursor.atEnd) return { requests, rest: 'nothing' }
      const request = readRequest(cursor)
      request.lenient ||= lenient
      requests.push(request)
    }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    return { requests, rest: error.rest }
  }
}

class Unreadable extends Error {
  readonly rest: 'incomplete' | 'malformed'

  constructor(rest: 'incomplete' | 'malformed') {
    super(rest)
    this.rest = rest
  }
}

const malformed = (): never => {
  throw new Unreadable('malformed')
}

/** More than this a server need not take: fields, and bytes of a head. */
const [MANY_FIELDS, LONG_HEAD] = [90, 8_000]

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
/** Without a version it is of HTTP/0.9, which had neither headers nor POST: some read on as if it had. */
const REQUEST_LINE = new RegExp(
  `^(${TOKEN})([ \\t]+)([^ \\t]+)(?:([ \\t]+)((?:HTTP|RTSP|ICE)/[0-9]\\.[0-9]))?([ \\t]*)$`,
)
const FIELD = new RegExp(`^(${TOKEN}):[ \\t]*(.*?)[ \\t]*$`, 's')
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const CONTROLS = /[\x01-\x08\x0a-\x1f\x7f]/

function readRequest(cursor: Cursor): ReadRequest {
  const start = cursor.at
  const first = cursor.line()
  const [, method, gap, target, gap2 = '', version = '', after] = REQUEST_LINE.exec(first) ?? malformed()
  const { headers, folded } = readFields(cursor)
  const all = (name: string) => headers.flatMap(([each, value]) => (each === name ? [value] : []))
  const framing = framingOf(all('transfer-encoding'), all('content-length'), version)
  const odd =
    `${gap}${gap2}${after}` !== '  ' ||
    !/^[\x21-\x7e]+$/.test(target!) ||
    target!.includes('#') ||
    !/^(\/|\*|https?:)/i.test(target!) ||
    !/^HTTP\/1\.[01]$/.test(version) ||
    !METHODS.includes(method!) ||
    folded ||
    framing.lenient ||
    all('host').length !== 1 ||
    !/^[A-Za-z0-9.:-]+$/.test(all('host')[0]!) ||
    all('expect').some(value => value.toLowerCase() !== '100-continue') ||
    all('upgrade').length > 0 ||
    headers.length > MANY_FIELDS ||
    cursor.at - start > LONG_HEAD ||
    headers.some(([, value]) => CONTROLS.test(value))
  const body = framing.chunked ? readChunks(cursor) : cursor.take(framing.length)
  // Not a header of any standard, and believed all the same.
  const options = [...all('connection'), ...all('proxy-connection')].join().toLowerCase().split(',')
  const closes = version === 'HTTP/1.0' || options.some(option => option.trim() === 'close')
  return { method: method!, target: target!, version, headers, body, closes, lenient: odd || cursor.wasBent }
}

function readFields(cursor: Cursor): { headers: [string, string][]; folded: boolean } {
  const headers: [string, string][] = []
  let folded = false
  for (let line = cursor.line(); line !== ''; line = cursor.line()) {
    if (line.includes('\0')) malformed()
    const last = headers.at(-1)
    if (/^[ \t]/.test(line) && last !== undefined) {
      folded = true
      last[1] = `${last[1]} ${line.trim()}`.trim()
      continue
    }
    const [, name, value] = FIELD.exec(line) ?? malformed()
    headers.push([name!.toLowerCase(), value!])
  }
  return { headers, folded }
}

/** Whoever reads one of these otherwise can be made to see a request where there is none: they must be refused. */
function framingOf(encodings: string[], lengths: string[], version: string) {
  const codings = encodings.flatMap(value => value.split(',')).map(coding => coding.trim().toLowerCase())
  if (encodings.length > 0 && codings.some(coding => coding !== '')) {
    if (lengths.length > 0) malformed()
    if (codings.at(-1) !== 'chunked' || codings.indexOf('chunked') < codings.length - 1) malformed()
    return { chunked: true, length: 0, lenient: codings.length > 1 || version !== 'HTTP/1.1' }
  }
  const [length = '0', ...others] = lengths
    .join()
    .split(',')
    .map(value => value.trim())
  if (lengths.length === 0) return { chunked: false, length: 0, lenient: encodings.length > 0 }
  if (!/^[0-9]{1,15}$/.test(length) || others.some(other => other !== length)) malformed()
  return { chunked: false, length: Number(length), lenient: others.length > 0 || encodings.length > 0 }
}

const EXTENSIONS = new RegExp(`^(;${TOKEN}(=(${TOKEN}|"[^"\\\\]*"))?)*$`)

function readChunks(cursor: Cursor): Buffer {
  const chunks: Buffer[] = []
  for (;;) {
    const [, size, extensions] = /^([0-9A-Fa-f]+)([ \t]*(?:;.*)?)$/s.exec(cursor.line()) ?? malformed()
    if (!EXTENSIONS.test(extensions!) || size!.length > 16) cursor.wasBent = true
    if (Number.parseInt(size!, 16) > 2 ** 40) malformed()
    if (Number.parseInt(size!, 16) === 0) break
    chunks.push(cursor.take(Number.parseInt(size!, 16)))
    if (cursor.line() !== '') malformed()
  }
  // What comes in trailers is no header.
  const { folded, headers } = readFields(cursor)
  const isOdd = headers.some(
    ([name, value]) => CONTROLS.test(value) || /^(content-length|transfer-encoding)$/.test(name),
  )
  if (folded || isOdd) cursor.wasBent = true
  return Buffer.concat(chunks)
}

class Cursor {
  readonly #bytes: Buffer
  at = 0
  /** What was read had a form that one may forgive. */
  wasBent = false

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.at >= this.#bytes.length
  }

  /** Without its end, which is CR LF; LF alone bends it, CR alone breaks it. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.at)
    if (end === -1) throw new Unreadable('incomplete')
    const whole = this.#bytes.toString('latin1', this.at, end)
    this.at = end + 1
    const line = whole.endsWith('\r') ? whole.slice(0, -1) : whole
    if (line.length === whole.length) this.wasBent = true
    return line.includes('\r') ? malformed() : line
  }

  take(length: number): Buffer {
    if (this.at + length > this.#bytes.length) throw new Unreadable('incomplete')
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }

  /** Whether there were any before the request. */
  skipEmptyLines(): boolean {
    const start = this.at
    while (this.#bytes[this.at] === 0x0d || this.#bytes[this.at] === 0x0a) this.at++
    return this.at > start
  }
}
