-- People: their passwords and sessions, what links in mails prove, and the mails that wait to be sent.

-- An address that a user has named and not proved; it takes the place of `email` when it is.
ALTER TABLE app_user ADD COLUMN pending_email TEXT;

CREATE TABLE user_password (
  user_id TEXT PRIMARY KEY REFERENCES app_user (id),
  hash TEXT NOT NULL,                -- argon2id in PHC form, with a secret that is not in the database
  changed_at BIGINT NOT NULL
) /*STRICT*/;

CREATE TABLE user_session (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES app_user (id),
  generation BIGINT NOT NULL,        -- counts the session's refresh tokens; only the last one is good
  refresh_hash BYTEA NOT NULL,
  refreshed_at BIGINT NOT NULL,
  user_agent TEXT,
  ip_address TEXT,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT
) /*STRICT*/;
CREATE INDEX user_session_user ON user_session (user_id, created_at);
CREATE INDEX user_session_expiry ON user_session (expires_at);

-- Whoever shows the token behind the hash has read the mail that it was sent in.
CREATE TABLE mail_token (
  hash BYTEA PRIMARY KEY,
  purpose TEXT NOT NULL,             -- verify | reset
  user_id TEXT NOT NULL REFERENCES app_user (id),
  email TEXT NOT NULL,
  name TEXT,                         -- with a sign-up: what its verification sets
  password_hash TEXT,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
) /*STRICT*/;
CREATE INDEX mail_token_user ON mail_token (user_id, purpose);
CREATE INDEX mail_token_expiry ON mail_token (expires_at);

-- Keys that sign access tokens; the newest signs, older ones are good until what they signed has expired.
CREATE TABLE signing_key (
  id TEXT PRIMARY KEY,
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL
) /*STRICT*/;

-- Attempts to sign in and mails asked for, by a keyed hash of account or address.
CREATE TABLE attempt_count (
  subject BYTEA PRIMARY KEY,
  attempts BIGINT NOT NULL,
  ends_at BIGINT NOT NULL
) /*STRICT*/;
CREATE INDEX attempt_count_end ON attempt_count (ends_at);

CREATE TABLE mail_outbox (
  id TEXT PRIMARY KEY,
  sealed BYTEA NOT NULL,
  attempts BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL
) /*STRICT*/;
CREATE INDEX mail_outbox_due ON mail_outbox (due_at);
