import pg from 'pg'

const connectionString = process.env.DATABASE_URL
if (!connectionString) {
  console.error('DATABASE_URL is not set: DATABASE_URL=postgres://user:password@localhost:5432/database npm start')
  process.exit(1)
}

/** For the store and for the rest of the application. Without the time limit a server that hangs is waited for without end. */
export const pool = new pg.Pool({ connectionString, connectionTimeoutMillis: 1500 })

/** Stands for your migrations. Nothing here keeps a payment from being entered twice: that is the commit's to do. */
export async function createTables() {
  await pool.query(`
    CREATE TABLE IF NOT EXISTS payments (
      id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, reference text NOT NULL, cents integer NOT NULL
    );
    CREATE TABLE IF NOT EXISTS outbox (
      id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL, payload jsonb NOT NULL
    )`)
}
