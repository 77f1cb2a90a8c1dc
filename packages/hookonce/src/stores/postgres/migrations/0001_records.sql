-- Plain SQL, which psql can run too. For another schema, replace hookonce by its name.

-- The server's clock when the statement arrived: one time for all records of a batch. The planner inlines these functions.
CREATE FUNCTION hookonce.now_us() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
  AS 'SELECT floor(date_part(''epoch'', statement_timestamp()) * 1000000)::bigint';
CREATE FUNCTION hookonce.now_ms() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
  AS 'SELECT floor(date_part(''epoch'', statement_timestamp()) * 1000)::bigint';

-- One row. token_floor: every later fencing token is above it; only purge raises it. checked_at: written to prove that
-- writes work, and to notice that the clock stepped back.
CREATE TABLE hookonce.meta (
  id integer PRIMARY KEY CHECK (id = 1),
  version integer NOT NULL,
  token_floor bigint NOT NULL,
  checked_at bigint NOT NULL
);

INSERT INTO hookonce.meta (id, version, token_floor, checked_at) VALUES (1, 1, 0, 0);

-- Ids rise with each created record: lists are in their order.
CREATE SEQUENCE hookonce.record_ids;

-- Times are milliseconds since the epoch. A deleted record stays as an expired one (expires_at 0) until it is purged,
-- so that the next fencing token is above its own. watched: the end of an attempt is notified.
--
-- Rows that are claimed together are on one page and are completed together, so half of a page stays free for heap-only
-- updates (HOT): 88 % of completions with results of 60 bytes are, 48 % at a fillfactor of 70. The table is as large either
-- way.
CREATE TABLE hookonce.records (
  scope text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  id bigint NOT NULL DEFAULT nextval('hookonce.record_ids'),
  state text NOT NULL,
  fingerprint text,
  attempts integer NOT NULL,
  losses integer NOT NULL,
  lease_id text NOT NULL,
  fencing_token bigint NOT NULL,
  created_at bigint NOT NULL,
  claimed_at bigint NOT NULL,
  lease_ends_at bigint NOT NULL,
  settled_at bigint,
  expires_at bigint NOT NULL,
  lock_ttl_ms bigint NOT NULL,
  retention_ms bigint NOT NULL,
  watched boolean NOT NULL DEFAULT false,
  last_error text,
  result bytea,
  PRIMARY KEY (scope, key)
) WITH (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.1
);

CREATE UNIQUE INDEX records_by_id ON hookonce.records (id);

-- The earliest time when a record can expire. A completion changes neither column, so it can be heap-only. An index on
-- expires_at would prevent that, and cost 17 to 32 % more WAL a record.
CREATE INDEX records_due ON hookonce.records ((claimed_at + retention_ms));

-- Ballast: a row on the last of 150 pages, so that the file never gets shorter. A connection caches its plans: one made
-- while the table has few pages scans the whole table for each key, also while the table grows, until the next analyze. The
-- row has expired and is never due, so no statement returns it and purge leaves it. VACUUM FULL removes the ballast, which
-- only brings back that risk.
INSERT INTO hookonce.records (
  scope, key, id, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at, expires_at,
  lock_ttl_ms, retention_ms, last_error
)
SELECT 'hookonce ballast', n::text, -n, 'failed', 0, 0, '', 0, 0, 4611686018427387904, 0, 0, 0, 0, repeat('x', 1700)
FROM generate_series(1, 300) AS n;

DELETE FROM hookonce.records WHERE key <> '300';
