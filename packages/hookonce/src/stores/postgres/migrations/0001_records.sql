-- Plain SQL: psql may run it too. In another schema, write its name for hookonce.

-- The server's clock, as the server read it when the statement arrived: one time for the whole statement, a batch
-- included. The planner inlines them.
CREATE FUNCTION hookonce.now_us() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
  AS 'SELECT floor(date_part(''epoch'', statement_timestamp()) * 1000000)::bigint';
CREATE FUNCTION hookonce.now_ms() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
  AS 'SELECT floor(date_part(''epoch'', statement_timestamp()) * 1000)::bigint';

-- One row. token_floor: no fencing token issued from now on is at or below it; purge raises it, nothing else does.
-- checked_at: what "ready" writes, to prove that writing works.
CREATE TABLE hookonce.meta (
  id integer PRIMARY KEY CHECK (id = 1),
  version integer NOT NULL,
  token_floor bigint NOT NULL,
  checked_at bigint NOT NULL
);

INSERT INTO hookonce.meta (id, version, token_floor, checked_at) VALUES (1, 1, 0, 0);

-- The id rises with every record created: it is the order of the list.
CREATE SEQUENCE hookonce.record_ids;

-- Times are milliseconds since the epoch. A deleted record stays as an expired one (expires_at 0) until it is purged,
-- so that the next attempt's fencing token rises above its own. watched: whoever ends the attempt says so by NOTIFY.
--
-- Rows that are claimed together lie together, and are completed together: half of a page is left for that. Measured
-- with results of 60 and 300 bytes, 32 in flight: 88 and 65 % of the completions are heap-only updates (HOT), at a
-- fillfactor of 70 48 and 31 %; the WAL of a claim and its completion is 1,037 and 1,373 bytes to 1,201 and 1,507; the
-- table is as large either way.
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

-- When a record can expire at the earliest: a completion changes neither column, so it touches no index. With an index
-- on expires_at no completion is heap-only, and a record costs 17 to 32 % more WAL.
CREATE INDEX records_due ON hookonce.records ((claimed_at + retention_ms));

-- Ballast: a row on the last of 150 pages, which keeps the file from ever being shorter. A connection keeps its plans:
-- one made while the table had a few pages reads the whole table for every key, and goes on so while it grows, until
-- the next analyze. The row has expired and is never due, so nobody sees it and purge leaves it. A VACUUM FULL takes
-- the ballast away, which brings back that risk and nothing else.
INSERT INTO hookonce.records (
  scope, key, id, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at, expires_at,
  lock_ttl_ms, retention_ms, last_error
)
SELECT 'hookonce ballast', n::text, -n, 'failed', 0, 0, '', 0, 0, 4611686018427387904, 0, 0, 0, 0, repeat('x', 1700)
FROM generate_series(1, 300) AS n;

DELETE FROM hookonce.records WHERE key <> '300';
