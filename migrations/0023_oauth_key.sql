-- A flow ends with the key that began it.
ALTER TABLE oauth_pending ADD COLUMN api_key_id TEXT; -- NULL: a session began it
