export interface WireAnswer {
  status: number
  /** The connection ends with it. */
  closes: boolean
}

/** Reads what a server sends on a connection, answer by answer. */
export class Answers {
  readonly read: WireAnswer[] = []
  /** What is no HTTP, if there is any. */
  garbage: string | undefined
  readonly #methods: readonly string[]
  #bytes: Buffer = Buffer.alloc(0)

  /** @param methods of the requests, in order: an answer to HEAD has no body */
  constructor(methods: readonly string[]) {
    this.#methods = methods
  }

  push(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    while (this.#bytes.length > 0 && this.garbage === undefined && this.#next());
  }

  /** Whether a whole answer was there. */
  #next(): boolean {
    const end = this.#bytes.indexOf('\r\n\r\n')
    if (end === -1) return false
    const [first = '', ...lines] = this.#bytes.toString('latin1', 0, end).split('\r\n')
    const [, text] = /^HTTP\/1\.1 ([1-5][0-9][0-9])( |$)/.exec(first) ?? []
    if (text === undefined) {
      this.garbage = first
      return false
    }
    const status = Number(text)
    const headers = new Map(
      lines.map(line => line.split(/:\s*/s, 2) as [string, string]).map(([name, value]) => [name.toLowerCase(), value]),
    )
    const length = status < 200 ? 0 : this.#bodyLength(status, headers, end + 4)
    if (length === undefined || this.#bytes.length < end + 4 + length) return false
    this.#bytes = this.#bytes.subarray(end + 4 + length)
    if (status >= 200) this.read.push({ status, closes: headers.get('connection')?.toLowerCase() === 'close' })
    return true
  }

  /** `undefined`: its end is not there yet. */
  #bodyLength(status: number, headers: Map<string, string>, start: number): number | undefined {
    if (this.#methods[this.read.length] === 'HEAD' || status === 204 || status === 304) return 0
    if (headers.get('transfer-encoding') !== 'chunked') return Number(headers.get('content-length') ?? 0)
    const end = this.#bytes.indexOf('0\r\n\r\n', start)
    return end === -1 ? undefined : end + 5 - start
  }
}
