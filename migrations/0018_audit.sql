-- What was done at the doors, and what was tried: one chain of lines for the whole database. A line is never changed and
-- never removed; triggers at the end refuse both.
CREATE TABLE audit_line (
  seq BIGINT PRIMARY KEY,            -- from 1, without a gap
  id TEXT NOT NULL,
  at BIGINT NOT NULL,                -- never before the line before
  party_id TEXT,                     -- the organisation; NULL: nobody's
  actor_type TEXT NOT NULL,          -- user | api_key | anonymous
  actor_id TEXT,                     -- of the user, or of the key
  action TEXT NOT NULL,              -- the operation's id
  category TEXT NOT NULL,
  resource_type TEXT NOT NULL,
  resource_id TEXT,
  status TEXT NOT NULL,              -- success | failure | denied
  error TEXT,                        -- what the caller was told
  address TEXT,
  user_agent TEXT,
  request_id TEXT,
  metadata TEXT NOT NULL,            -- a JSON object
  hash BYTEA NOT NULL                -- of the hash before and of every field
) /*STRICT*/;
CREATE UNIQUE INDEX audit_line_id ON audit_line (id);
CREATE INDEX audit_line_at ON audit_line (at, seq);

-- The end of the chain. Whoever appends changes it first, so that lines are numbered one after another.
CREATE TABLE audit_head (
  id BIGINT PRIMARY KEY,             -- 0, the only one
  lines BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  hash BYTEA NOT NULL                -- of the newest line; empty before the first
) /*STRICT*/;
INSERT INTO audit_head (id, lines, last_at, hash) VALUES (0, 0, 0, CAST('' AS BYTEA));

-- The lists that a line stands in, one for each combination of what a reader can ask for. A list is named by a hash of
-- organisation, status and the rest of the combination; its lines are numbered from 1, so that counting is looking up.
CREATE TABLE audit_mark (
  list BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  no BIGINT NOT NULL,
  PRIMARY KEY (list, seq)
) /*STRICT, CLUSTERED*/;

/*SQLITE
CREATE TRIGGER audit_line_stays BEFORE UPDATE ON audit_line BEGIN SELECT RAISE(ABORT, 'audit lines are append-only'); END;
CREATE TRIGGER audit_line_remains BEFORE DELETE ON audit_line BEGIN SELECT RAISE(ABORT, 'audit lines are append-only'); END;
CREATE TRIGGER audit_mark_stays BEFORE UPDATE ON audit_mark BEGIN SELECT RAISE(ABORT, 'audit lines are append-only'); END;
CREATE TRIGGER audit_mark_remains BEFORE DELETE ON audit_mark BEGIN SELECT RAISE(ABORT, 'audit lines are append-only'); END;
*/
/*POSTGRES
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN RAISE EXCEPTION ''audit lines are append-only''; END';
CREATE TRIGGER audit_line_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_line
  FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_mark_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_mark
  FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
*/
