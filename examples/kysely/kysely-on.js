import { Kysely, PostgresAdapter, PostgresDriver, PostgresIntrospector, PostgresQueryCompiler } from 'kysely'

/**
 * Kysely on one client that is inside a transaction: its pool hands out that client, and never gives it back, for it is
 * the store's. Made anew for each commit, which costs no connection.
 */
export function kyselyOn(tx) {
  const client = { query: (text, values) => tx.query(text, values), release() {} }
  const pool = { connect: async () => client, end: async () => {}, options: {} }
  return new Kysely({
    dialect: {
      createDriver: () => new DriverWithinTransaction({ pool }),
      createQueryCompiler: () => new PostgresQueryCompiler(),
      createAdapter: () => new PostgresAdapter(),
      createIntrospector: db => new PostgresIntrospector(db),
    },
  })
}

class DriverWithinTransaction extends PostgresDriver {
  /** Its COMMIT would end the store's transaction, and the effects would stand without the result. */
  async beginTransaction() {
    throw new TypeError('this is within a transaction already, which is not yours to end')
  }
}
