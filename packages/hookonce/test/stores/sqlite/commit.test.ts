import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connect, open, request, startConfinedChild, temporaryFolder } from './support.js'

test('a COMMIT that ends in an I/O error is unknown, and asked again its effect is there once', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const store = open(path)
  await store.ready()
  const db = await connect(path)
  db.exec('CREATE TABLE ledger (effect TEXT NOT NULL, ballast BLOB)')
  const count = db.prepare('SELECT count(*) AS effects FROM ledger WHERE effect = ?')

  // Its log, which it alone writes, cannot grow beyond this: a write fails in the midst of a COMMIT.
  const child = startConfinedChild(1024, 'transactToTheEnd', path, '100')
  const { key, leaseId, error } = JSON.parse(await child.nextLine())
  await child.exited

  expect(error).toMatchObject({ code: 'ERR_STORE', effect: 'unknown', message: expect.stringMatching(/I\/O error/) })
  expect(count.get('key 0')).toEqual({ effects: 1 })
  expect(await store.get(request('key 0'))).toMatchObject({ state: 'completed' })
  expect(count.get(key)).toEqual({ effects: 0 })
  expect(await store.get(request(key))).toMatchObject({ state: 'running', leaseId })

  const again = await store.transact(request(key), leaseId, tx => {
    tx.prepare('INSERT INTO ledger (effect) VALUES (?)').run(key)
    return Buffer.from('result')
  })
  expect(again).toMatchObject({ status: 'completed' })
  expect(count.get(key)).toEqual({ effects: 1 })
  expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
})
