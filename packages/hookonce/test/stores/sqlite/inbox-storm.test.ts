import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Child, connect, eventually, open, startScript, temporaryFolder } from './support.js'

const KILLS = Number(process.env.HOOKONCE_TEST_KILLS ?? 10)
const PROCESSES = 3
/** How many that were accepted may be left to do before more are sent. */
const BACKLOG = 60
const GROUPS = [null, null, 'a', 'b', 'c']

const random = (below: number) => Math.floor(Math.random() * below)

/** Writes down every change of a record, in the order of the commits, and whether it overtook one of its group. */
const AUDIT = `
  CREATE TABLE effects (key TEXT NOT NULL, lease_id TEXT NOT NULL);
  CREATE TABLE audit (
    id INTEGER PRIMARY KEY, key TEXT, before TEXT, state TEXT, attempts INTEGER, token INTEGER, early INTEGER, overtook INTEGER
  );
  CREATE TRIGGER audit AFTER UPDATE OF state ON records BEGIN
    INSERT INTO audit (key, before, state, attempts, token, early, overtook) VALUES (
      new.key, old.state, new.state, new.attempts, new.fencing_token,
      old.state = 'running' AND new.state = 'running' AND old.lease_ends_at > new.claimed_at,
      new.state = 'running' AND EXISTS (
        SELECT 1 FROM records WHERE scope = new.scope AND grp = new.grp AND due_at IS NOT NULL AND id < new.id
      )
    );
  END;`

interface Change {
  key: string
  before: string
  state: string
  attempts: number
  token: number
  early: number
  overtook: number
}

/** A process that accepts and works, and what it says until it is killed. */
class Member {
  readonly #child: Child
  readonly ready: Promise<void>
  #listening: Promise<void> | undefined

  constructor(path: string, hear: (said: Record<string, string>) => void) {
    this.#child = startScript('./inbox-child.mjs', path)
    this.ready = this.#child.nextLine().then(() => {
      this.#listening = this.#listen(hear)
    })
  }

  async #listen(hear: (said: Record<string, string>) => void): Promise<void> {
    for (;;) {
      const { value, done } = await this.#child.lines.next()
      if (done) return
      // A kill may cut the last line.
      if (value.endsWith('}')) hear(JSON.parse(value))
    }
  }

  accept(key: string, group: string | null): void {
    this.#child.send(JSON.stringify({ key, group }))
  }

  async kill(): Promise<void> {
    this.#child.process.kill('SIGKILL')
    expect(await this.#child.exited).toBe('SIGKILL')
    await this.#listening
  }
}

test(
  `over ${KILLS} SIGKILLs all that was accepted is completed once or dead, one at a time and in order within its group`,
  async () => {
    const path = join(temporaryFolder(), 'hookonce.db')
    const store = open(path)
    await store.ready()
    const db = await connect(path)
    db.exec(AUDIT)
    const toDo = () => db.prepare('SELECT count(*) AS records FROM records WHERE due_at IS NOT NULL').get().records

    const accepted = new Set<string>()
    const completed = new Map<string, string>()
    const hear = (said: Record<string, string>) => {
      if (said.accepted !== undefined) accepted.add(said.accepted)
      if (said.completed !== undefined) completed.set(said.completed, said.leaseId!)
    }
    const members = Array.from({ length: PROCESSES }, () => new Member(path, hear))
    await Promise.all(members.map(({ ready }) => ready))

    let keys = 0
    let isOver = false
    const send = async () => {
      while (!isOver) {
        for (let left = BACKLOG - toDo(); left > 0; left--) {
          const [key, group] = [`key ${keys++}`, GROUPS[random(GROUPS.length)]!]
          // To more than one at times, of which one has it accepted and the others learn that it is known.
          for (let copies = 1 + random(2); copies > 0; copies--) members[random(PROCESSES)]!.accept(key, group)
        }
        await pause(10)
      }
    }
    const sending = send()
    for (let kills = 0; kills < KILLS; kills++) {
      await pause(random(100))
      const victim = random(PROCESSES)
      const successor = new Member(path, hear)
      await successor.ready
      await members[victim]!.kill()
      members[victim] = successor
    }
    isOver = true
    await sending
    await eventually(() => toDo() === 0)
    for (const member of members) await member.kill()

    const records = db
      .prepare('SELECT key, state, lease_id, CAST(result AS TEXT) AS result FROM records')
      .all() as Record<'key' | 'state' | 'lease_id' | 'result', string>[]
    const byKey = new Map(records.map(record => [record.key, record]))
    for (const { key, state, lease_id, result } of records) {
      expect({ key, state, result }).toEqual(
        state === 'dead' ? { key, state, result: null } : { key, state: 'completed', result: lease_id },
      )
    }
    for (const key of accepted) expect(byKey.has(key), key).toBe(true)
    for (const [key, leaseId] of completed) expect(byKey.get(key)?.result, key).toBe(leaseId)

    const effects = db.prepare('SELECT key, lease_id FROM effects').all() as { key: string; lease_id: string }[]
    expect(new Set(effects.map(({ key }) => key)).size).toBe(effects.length)
    for (const { key, lease_id } of effects) expect(byKey.get(key)?.result, key).toBe(lease_id)

    const changes = db.prepare('SELECT * FROM audit ORDER BY id').all() as unknown as Change[]
    expect(changes.filter(({ early, overtook }) => early || overtook)).toEqual([])
    const histories = new Map<string, Change[]>(records.map(({ key }) => [key, []]))
    for (const change of changes) histories.get(change.key)!.push(change)
    for (const [key, history] of histories) {
      const attempts = history.filter(({ state }) => state === 'running')
      expect(attempts.map(({ attempts }) => attempts)).toEqual(attempts.map((_, index) => index + 1))
      expect(attempts.map(({ token }) => token)).toEqual(attempts.map(({ token }) => token).toSorted((a, b) => a - b))
      expect(history.filter(({ state }) => state === 'completed' || state === 'dead')).toHaveLength(1)
      expect(['completed', 'dead'], key).toContain(history.at(-1)!.state)
    }
    expect(
      db.prepare('SELECT count(*) AS orphans FROM deliveries WHERE id NOT IN (SELECT id FROM records)').get(),
    ).toEqual({ orphans: 0 })
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })

    const lost = changes.filter(({ before, state }) => before === 'running' && state === 'running').length
    const dead = records.filter(({ state }) => state === 'dead').length
    console.log(
      `${records.length} records, ${changes.length} changes, ${lost} attempts lost, ${dead} dead, ${effects.length} effects`,
    )
    for (const happened of [lost, dead, effects.length, completed.size]) expect(happened).toBeGreaterThan(0)
  },
  60_000 + KILLS * 2_000,
)
