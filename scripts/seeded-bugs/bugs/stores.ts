import { type Bugs, bugsIn, inLibrary, inServer } from '../bug.js'

const stores = 'packages/hookonce/src/stores'
const tests = (...names: string[]) => inLibrary(...names.map(name => `stores/${name}`))

const inRules = bugsIn(stores, ...tests('memory/leases'))
const inSqlite = bugsIn(`${stores}/sqlite`, ...tests('sqlite/conformance'))
const inRedis = bugsIn(`${stores}/redis`, ...tests('redis/conformance'))
const inPostgres = bugsIn(`${stores}/postgres`, ...tests('postgres/conformance'))

/** Those of the memory store are seeded in its conformance cases' own test. */
export const storeBugs: Bugs = [
  inRules(
    'rules: a lease ends 5 ms early',
    'rules.ts',
    'Math.max(0, leaseEndsAt - now)',
    'Math.max(0, leaseEndsAt - now - 5)',
  ),
  inRules(
    'rules: a lost attempt is not counted',
    'rules.ts',
    "return losses + (state === 'running'",
    "return losses + (state === 'pending'",
    ...tests('sqlite/conformance'),
  ),

  inSqlite(
    'SQLite: a lease ends 5 ms early for a claim',
    'database/records.ts',
    'leaseEndsAt: lease_ends_at,',
    'leaseEndsAt: lease_ends_at - 5,',
  ),
  inSqlite(
    'SQLite: a lease ends 5 ms early for a renewal',
    'sql/renew.sql',
    'AND lease_ends_at > ',
    'AND lease_ends_at - 5 > ',
  ),
  inSqlite(
    'SQLite: a lease ends 5 ms early for who takes what is due',
    'sql/due.sql',
    'due_at <= ?',
    'due_at <= ? + 5',
  ),
  inSqlite(
    'SQLite: a further attempt gets 5 ms less',
    'database/records.ts',
    'const endsAt = now + Math.min(leaseMs, lockTtlMs)',
    'const endsAt = now + Math.min(leaseMs - 5, lockTtlMs)',
  ),
  inSqlite('SQLite: a renewal gives 5 ms less', 'sql/renew.sql', 'lease_ends_at = min(', 'lease_ends_at = -5 + min('),
  inSqlite(
    'SQLite: any attempt may record a result',
    'sql/complete.sql',
    'AND lease_id = ?6 AND',
    "AND (lease_id = ?6 OR lease_id <> '') AND",
  ),
  inSqlite(
    'SQLite: tokens begin anew when a record was removed',
    'database/records.ts',
    'statement.raiseFloor.run(fencing_token)',
    'void fencing_token',
    ...tests('sqlite/batch'),
  ),
  inSqlite(
    'SQLite: a purge removes what is abandoned',
    'sql/expired.sql',
    'WHERE expires_at <= ? AND',
    'WHERE lease_ends_at <= ? AND',
  ),
  inSqlite(
    'SQLite: commits are not flushed',
    'database/open.ts',
    /* biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of the store */
    'db.exec(`PRAGMA synchronous = ${synchronous}`)',
    'db.exec(`PRAGMA synchronous = NORMAL`)',
    ...tests('sqlite/pragmas'),
  ),
  inSqlite(
    'SQLite: effects meet no foreign keys',
    'database/effects.ts',
    'PRAGMA foreign_keys = ON',
    'PRAGMA foreign_keys = OFF',
    ...tests('sqlite/pragmas'),
  ),
  inSqlite(
    'SQLite: a file that was deleted is written to',
    'database/transaction.ts',
    'if (!isInPlace()) throw misplaced()',
    'if (!isInPlace() && !db.isTransaction) throw misplaced()',
    ...tests('sqlite/misplaced'),
  ),

  inSqlite(
    'SQLite: it is ready without a write',
    'database/record-operations.ts',
    'statement.check.run(now)',
    'if (now < 0) statement.check.run(now)',
    ...inServer('runtime/readyz'),
  ),

  inRedis(
    'Redis: it is ready without a write',
    'lua/identify.lua',
    "redis.call('ZADD', key, 0, id or ARGV[1], mark, process)",
    "if not id then redis.call('ZADD', key, 0, id or ARGV[1], mark, process) end",
    ...inServer('runtime/readyz'),
  ),
  inPostgres(
    'Postgres: it is ready without a write',
    'sql/check.sql',
    'UPDATE hookonce.meta SET checked_at = greatest(checked_at + 1, hookonce.now_ms()) FROM lock_timeout WHERE id = 1',
    'SELECT checked_at FROM hookonce.meta, lock_timeout WHERE id = 1',
    ...inServer('runtime/readyz'),
  ),
  inRedis(
    'Redis: a lease ends 5 ms early for a claim',
    'lua/claim.lua',
    'if now < lease_ends then return {2',
    'if now + 5 < lease_ends then return {2',
  ),
  inRedis(
    'Redis: a lease ends 5 ms early for a renewal',
    'lua/renew.lua',
    'or now >= lease_ends then return 0 end',
    'or now + 5 >= lease_ends then return 0 end',
  ),
  inRedis(
    'Redis: what is taken gets 5 ms less',
    'lua/claim-due.lua',
    'math.min(tonumber(ARGV[3]), lock_ttl)',
    'math.min(tonumber(ARGV[3]) - 5, lock_ttl)',
  ),
  inRedis(
    'Redis: any attempt may record a result',
    'lua/complete.lua',
    "if holder ~= ARGV[1] or (now >= expires and state ~= 'R') then return 0 end",
    "if now >= expires and state ~= 'R' then return 0 end",
  ),
  inRedis(
    'Redis: an acceptance that is sent twice finds itself known',
    'lua/accept.lua',
    "if state == 'P' and attempts == 0 and holder == accept_id then",
    "if state == 'P' and attempts == 0 and holder == '' then",
  ),
  inRedis(
    'Redis: tokens follow a clock that steps back',
    'lua/claim.lua',
    'attempts, token = attempts + 1, math.max(token + 1, micros)',
    'attempts, token = attempts + 1, micros',
    ...tests('redis/clock'),
  ),
  inRedis(
    'Redis: a full one takes no result',
    'lua/complete.lua',
    '#!lua flags=allow-oom',
    '#!lua',
    ...tests('redis/full'),
  ),
  inRedis(
    'Redis: it is not noticed that it forgot',
    'data-loss-check.ts',
    'if (before === undefined) return',
    "if (before?.id !== '') return",
    ...tests('redis/data-loss-check'),
  ),
  inRedis(
    'Redis: a deletion is sent again when it may have been done',
    'script-runner.ts',
    'transient && (command.resendable || !maybeExecuted)',
    'transient',
    ...tests('redis/faults'),
  ),

  inPostgres(
    'Postgres: a lease ends 5 ms early for a renewal',
    'sql/renew.sql',
    'lease_ends_at > hookonce.now_ms()',
    'lease_ends_at > hookonce.now_ms() + 5',
  ),
  inPostgres(
    'Postgres: a lease ends 5 ms early for who takes what is due',
    'sql/claim-due.sql',
    'due_at <= hookonce.now_ms() AND',
    'due_at <= hookonce.now_ms() + 5 AND',
  ),
  inPostgres(
    'Postgres: a lease ends 5 ms early for a deletion',
    'sql/delete.sql',
    'lease_ends_at <= hookonce.now_ms()',
    'lease_ends_at <= hookonce.now_ms() + 5',
  ),
  inPostgres(
    'Postgres: a further attempt gets 5 ms less',
    'sql/take-over.sql',
    'lease_ends_at = hookonce.now_ms() + least($8::bigint, $9::bigint)',
    'lease_ends_at = hookonce.now_ms() + least($8::bigint - 5, $9::bigint)',
  ),
  inPostgres(
    'Postgres: any attempt may record a result',
    'sql/complete.sql',
    'r.lease_id = a.lease_id',
    'r.lease_id <> a.key',
  ),
  inPostgres(
    'Postgres: effects are committed without their result',
    'transact.ts',
    'if (completedAt === undefined) {',
    "if (completedAt === undefined && held.leaseId === '') {",
  ),
  inPostgres(
    'Postgres: a COMMIT without an answer counts as not done',
    'transact.ts',
    'return await commitOutcome(held, lost)',
    "throw new Failure(lost.cause, 'refused', false)",
    ...tests('postgres/transact'),
  ),
]
