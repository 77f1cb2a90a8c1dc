import { terminalSafe, terminalSafeJson } from '../../observability/escape.js'

export function print(line: string): void {
  process.stdout.write(`${terminalSafe(line)}\n`)
}

export function printJson(value: unknown): void {
  process.stdout.write(`${terminalSafeJson(JSON.stringify(value))}\n`)
}

/** Columns as wide as their content, one line for each row. */
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

const INTERVAL_MS = 200

/** Progress on stderr: one line that changes at a terminal, otherwise a line every second. */
export class Progress {
  readonly #isTerminal = process.stderr.isTTY === true
  #writtenAt = performance.now()
  #written = false

  update(text: string): void {
    const now = performance.now()
    if (now - this.#writtenAt < (this.#isTerminal ? INTERVAL_MS : 5 * INTERVAL_MS)) return
    this.#writtenAt = now
    this.#written = true
    process.stderr.write(this.#isTerminal ? `\r\x1b[K${text}` : `${text}\n`)
  }

  end(): void {
    if (this.#isTerminal && this.#written) process.stderr.write('\r\x1b[K')
  }
}
