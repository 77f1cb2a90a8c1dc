import { join } from 'node:path'
import { type SqliteStoreOptions, sqliteStoreDefaults } from 'hookonce/stores/sqlite'
import { expect, test } from 'vitest'
// Within, for nobody outside sees the settings of a connection but that connection.
import { type Database, type Driver, findDriver, loadDriver } from '../../../dist/stores/sqlite/database/driver.js'
import { createHandovers } from '../../../dist/stores/sqlite/lock-handover.js'
import { openEffects } from '../../../dist/stores/sqlite/main-thread/effects-connection.js'
import { openSession } from '../../../dist/stores/sqlite/worker-thread/batch.js'
import { onCleanup, temporaryFolder } from './support.js'

const [NORMAL, FULL] = [1, 2]

/** The settings of the worker's connection and of that of effects, as they are at work. */
async function settingsWith(options: SqliteStoreOptions = {}) {
  const settings = { path: join(temporaryFolder(), 'hookonce.db'), ...sqliteStoreDefaults, ...options }
  const place = findDriver()
  const { DatabaseSync } = loadDriver(place)
  const opened: Database[] = []
  function Recorded(...args: ConstructorParameters<Driver['DatabaseSync']>): Database {
    const db = new DatabaseSync(...args)
    opened.push(db)
    return db
  }
  const driver = { DatabaseSync: Recorded as unknown as Driver['DatabaseSync'] }
  const session = openSession(driver, { ...settings, handovers: createHandovers(), driver: place }, () => {})
  const effects = openEffects(driver, settings)
  onCleanup(() => {
    effects.close()
    session.close()
  })
  const names = ['journal_mode', 'synchronous', 'busy_timeout', 'foreign_keys', 'query_only', 'wal_autocheckpoint']
  const [worker, ofEffects] = opened.map(db =>
    Object.fromEntries(names.map(name => [name, Object.values(db.prepare(`PRAGMA ${name}`).get() as object)[0]])),
  )
  return { worker, ofEffects }
}

test('both connections flush at each commit, and the locks of others are waited for by the store itself', async () => {
  const { worker, ofEffects } = await settingsWith()
  const shared = { journal_mode: 'wal', synchronous: FULL, busy_timeout: 0 }
  expect(worker).toMatchObject({ ...shared, wal_autocheckpoint: 8000, query_only: 0 })
  expect(ofEffects).toMatchObject({ ...shared, wal_autocheckpoint: 0 })
})

test('effects meet foreign keys, and outside of their transaction nothing is written', async () => {
  expect((await settingsWith()).ofEffects).toMatchObject({ foreign_keys: 1, query_only: 1 })
})

test('both connections flush less often where that is asked for', async () => {
  const { worker, ofEffects } = await settingsWith({ synchronous: 'normal' })
  expect([worker!.synchronous, ofEffects!.synchronous]).toEqual([NORMAL, NORMAL])
})
