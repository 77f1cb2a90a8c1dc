import { harmless, harmlessJson } from '../../observability/escape.js'

export function print(line: string): void {
  process.stdout.write(`${harmless(line)}\n`)
}

export function printJson(value: unknown): void {
  process.stdout.write(`${harmlessJson(JSON.stringify(value))}\n`)
}

/** Columns as wide as what is in them; no row is broken. */
export function printTable(head: string[], rows: string[][]): void {
  const lines = [head, ...rows].map(row => row.map(cell => cell.replace(/\s+/g, ' ')))
  const widths = head.map((_, i) => Math.max(...lines.map(row => row[i]!.length)))
  for (const row of lines)
    print(
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
}

const EVERY_MS = 200

/** Says on stderr how far long work is: on one line at a terminal, in a file a line every second. */
export class Progress {
  readonly #isTerminal = process.stderr.isTTY === true
  #saidAt = performance.now()
  #written = false

  say(text: string): void {
    const now = performance.now()
    if (now - this.#saidAt < (this.#isTerminal ? EVERY_MS : 5 * EVERY_MS)) return
    this.#saidAt = now
    this.#written = true
    process.stderr.write(this.#isTerminal ? `\r\x1b[K${text}` : `${text}\n`)
  }

  end(): void {
    if (this.#isTerminal && this.#written) process.stderr.write('\r\x1b[K')
  }
}
