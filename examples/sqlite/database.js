// The driver that the store uses: two copies of SQLite in one process undo each other's locks
// (https://www.sqlite.org/howtocorrupt.html, 2.2.1).
const hasDriver = Number.parseInt(process.versions.node, 10) >= 24
const { DatabaseSync } = await import(hasDriver ? 'node:sqlite' : '@photostructure/sqlite')

/** A connection of the application's own, beside the store's. */
export function openDatabase(file) {
  return new DatabaseSync(file, { timeout: 5000 })
}

/** Stands for your migrations. Nothing here keeps a payment from being entered twice: that is the commit's to do. */
export function createTables(file) {
  const db = openDatabase(file)
  db.exec(`
    CREATE TABLE IF NOT EXISTS payments (id INTEGER PRIMARY KEY, reference TEXT NOT NULL, cents INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload TEXT NOT NULL)`)
  db.close()
}
