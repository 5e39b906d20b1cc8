//! The tables. That of the keys is the SDK's own, widened, so that a bot can move either way.

/// Makes everything, of which some may be there.
pub const CREATE: &str = r#"CREATE SEQUENCE IF NOT EXISTS __rootcellar_seq;
CREATE TABLE IF NOT EXISTS __rootapp_kv (
  key text COLLATE "C" NOT NULL,
  community_id text COLLATE "C",
  value text NOT NULL,
  expires_at timestamptz
);
CREATE TABLE IF NOT EXISTS __rootcellar_writers (
  id text PRIMARY KEY,
  epoch bigint NOT NULL,
  batch bigint NOT NULL,
  used_at timestamptz NOT NULL DEFAULT now()
);"#;

/// Widens a table of the SDK's. Adding the order of insertion rewrites it.
pub const WIDEN: &str = r#"ALTER TABLE __rootapp_kv
  ALTER key TYPE text COLLATE "C",
  ALTER community_id TYPE text COLLATE "C",
  ALTER value TYPE text,
  ADD COLUMN IF NOT EXISTS __rootcellar_order bigint NOT NULL DEFAULT nextval('__rootcellar_seq') * 65536;
ALTER TABLE __rootapp_kv SET (fillfactor = 85);"#;

/// Notes the newest row of each key that has several: the SDK leaves those, and no time with them. What tells their age is the
/// transaction that has written each, and only before the table is rewritten; of one transaction, their places.
pub const NOTE_NEWEST: &str = r#"LOCK TABLE __rootapp_kv;
CREATE TABLE __rootcellar_newest AS
  SELECT DISTINCT ON (t.community_id, t.key)
    t.key::text COLLATE "C" AS key, t.community_id::text COLLATE "C" AS community_id, t.value::text AS value, t.expires_at
  FROM __rootapp_kv t JOIN (SELECT key, community_id FROM __rootapp_kv GROUP BY key, community_id HAVING count(*) > 1) d
    ON t.key = d.key AND t.community_id IS NOT DISTINCT FROM d.community_id
  ORDER BY t.community_id, t.key, age(t.xmin), t.ctid DESC;"#;

/// Removes all rows of a key but one: what the newest has, in the place of the oldest.
pub const REMOVE_DUPLICATES: &str = "WITH d AS (\
      SELECT n.*, min(t.__rootcellar_order) AS oldest FROM __rootapp_kv t JOIN __rootcellar_newest n \
        ON t.key = n.key AND t.community_id IS NOT DISTINCT FROM n.community_id \
      GROUP BY n.key, n.community_id, n.value, n.expires_at), \
    gone AS (DELETE FROM __rootapp_kv t USING d WHERE t.key = d.key \
      AND t.community_id IS NOT DISTINCT FROM d.community_id AND t.__rootcellar_order > d.oldest RETURNING 1), \
    kept AS (UPDATE __rootapp_kv t SET value = d.value, expires_at = d.expires_at FROM d WHERE t.key = d.key \
      AND t.community_id IS NOT DISTINCT FROM d.community_id AND t.__rootcellar_order = d.oldest) \
    SELECT count(*) FROM gone";

/// Forgets what [`NOTE_NEWEST`] has noted.
pub const FORGET_NEWEST: &str = "DROP TABLE __rootcellar_newest";

/// Unique indexes on the same columns that let a key have several rows, and the constraint that each belongs to.
pub const LAX_INDEXES: &str = "SELECT quote_ident(i.relname), quote_ident(c.conname) \
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid \
    LEFT JOIN pg_constraint c ON c.conindid = i.oid AND c.contype = 'u' \
    WHERE x.indrelid = '__rootapp_kv'::regclass AND x.indisunique AND NOT x.indnullsnotdistinct AND x.indnkeyatts = 2 \
    AND (SELECT array_agg(a.attname::text ORDER BY a.attname) FROM pg_attribute a \
      WHERE a.attrelid = x.indrelid AND a.attnum = ANY(x.indkey)) = ARRAY['community_id', 'key']";

/// The indexes: of keys, also in the order of their bytes; for patterns, which take ASCII letters of either case for one;
/// for the purge.
pub const INDEXES: &str = "CREATE UNIQUE INDEX IF NOT EXISTS __rootcellar_key \
    ON __rootapp_kv (community_id, key) NULLS NOT DISTINCT; \
    CREATE INDEX IF NOT EXISTS __rootcellar_pattern ON __rootapp_kv (community_id, \
      left(translate(key, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'), 64) text_pattern_ops); \
    CREATE INDEX IF NOT EXISTS __rootcellar_expiry ON __rootapp_kv (expires_at) WHERE expires_at IS NOT NULL;";

/// Query with two truths: there is a table of keys, and everything is there.
pub const STATE: &str = "SELECT to_regclass('__rootapp_kv') IS NOT NULL, \
    to_regclass('__rootcellar_writers') IS NOT NULL AND to_regclass('__rootcellar_seq') IS NOT NULL \
    AND to_regclass('__rootcellar_key') IS NOT NULL AND to_regclass('__rootcellar_pattern') IS NOT NULL \
    AND to_regclass('__rootcellar_expiry') IS NOT NULL AND EXISTS (SELECT FROM pg_attribute \
      WHERE attrelid = to_regclass('__rootapp_kv') AND attname = '__rootcellar_order' AND NOT attisdropped)";

/// A key with its ASCII letters in lower case.
pub const FOLDED_KEY: &str = "translate(key, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')";

/// Part of a key that the index for patterns has.
pub const FOLDED_PREFIX: &str =
    "left(translate(key, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'), 64)";
