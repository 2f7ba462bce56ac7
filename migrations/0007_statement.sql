-- A line keeps its place in the statement while calls are added to it, so that a page after another misses none.
ALTER TABLE statement_line ADD COLUMN first_at BIGINT NOT NULL DEFAULT 0; -- of the oldest, the newest for older lines
UPDATE statement_line SET first_at = at;
