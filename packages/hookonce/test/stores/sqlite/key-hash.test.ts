import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Connection, connect, open, request, temporaryFolder } from './support.js'

async function withKeys(...keys: string[]): Promise<Connection> {
  const path = join(temporaryFolder(), 'hookonce.db')
  const store = open(path)
  await Promise.all(keys.map(key => store.claim(request(key))))
  return connect(path)
}

const hashesOf = (db: Connection) =>
  (db.prepare('SELECT hash FROM records ORDER BY hash').all() as { hash: number }[]).map(({ hash }) => hash)

test.each([
  ['find', 'records_by_hash (hash=?)'],
  ['get', 'records_by_hash (hash=?)'],
  ['complete', 'records_by_hash (hash=?)'],
  ['complete-accepted', 'records_by_hash (hash=?)'],
  ['renew', 'records_by_hash (hash=?)'],
  ['fail', 'records_by_hash (hash=?)'],
  ['find-settled', 'records_by_hash (hash=?)'],
  ['due', 'records_due (scope=? AND due_at<?)'],
  ['expired', 'records_by_expiry (expires_at<?)'],
  ['count', 'COVERING INDEX records_by_hash'],
  ['skip', 'COVERING INDEX records_by_hash'],
  ['count-expired', 'COVERING INDEX records_by_expiry'],
  ['skip-expired', 'COVERING INDEX records_by_expiry'],
])('%s.sql goes through the index %s, and sorts nothing', async (name, index) => {
  const sql = readFileSync(new URL(`../../../src/stores/sqlite/sql/${name}.sql`, import.meta.url), 'utf8')
  const db = await withKeys('one')
  const steps = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[]
  const plan = steps.map(({ detail }) => detail).join('\n')
  expect(plan).toContain(index)
  expect(plan).not.toContain('TEMP B-TREE')
  expect(plan).not.toMatch(/^SCAN /m)
})

test('keys that are counted lie side by side in the index', async () => {
  const hashes = hashesOf(await withKeys(...Array.from({ length: 100 }, (_, at) => `order-${1000 + at}`)))
  expect(new Set(hashes).size).toBe(100)
  expect(hashes.at(-1)! - hashes[0]!).toBeLessThan(2 ** 24)
})

test('other keys are spread, and hashes are numbers of six bytes', async () => {
  const hashes = hashesOf(await withKeys(...Array.from({ length: 100 }, (_, at) => `${at}-order-10`)))
  expect(hashes.at(-1)! - hashes[0]!).toBeGreaterThan(2 ** 45)
  expect(hashes.at(-1)!).toBeLessThan(2 ** 47)
  expect(hashes[0]).toBeGreaterThanOrEqual(0)
})
