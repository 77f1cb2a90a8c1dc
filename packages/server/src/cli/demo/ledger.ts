import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ATTEMPTS_FILE, DATABASE_FILE } from './scene.js'

/** An attempt that the application began. */
export interface Attempt {
  key: string
  number: number
  /** Ms since the epoch. */
  begunAt: number
}

/** What the application has written down, read from its files. */
export class Ledger {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  attemptsOf(key: string): Attempt[] {
    const path = join(this.#folder, ATTEMPTS_FILE)
    if (!existsSync(path)) return []
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
    const attempts = lines.map(line => {
      const [of = '', number, begunAt] = line.split(' ')
      return { key: of, number: Number(number), begunAt: Number(begunAt) }
    })
    return attempts.filter(attempt => attempt.key === key)
  }

  async chargesOf(key: string): Promise<number> {
    const { DatabaseSync } = await loadDriver()
    const database = new DatabaseSync(join(this.#folder, DATABASE_FILE), { readOnly: true })
    try {
      const row = database.prepare('SELECT count(*) AS charges FROM charges WHERE key = ?').get(key)
      return Number((row as { charges: number | bigint }).charges)
    } finally {
      database.close()
    }
  }
}

/** As the library's store chooses it. */
async function loadDriver(): Promise<typeof import('@photostructure/sqlite')> {
  const [major = 0] = process.versions.node.split('.').map(Number)
  return await import(major >= 24 ? 'node:sqlite' : '@photostructure/sqlite')
}
