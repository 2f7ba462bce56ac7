-- Sign-ups whose mail was not answered, one row for each mail, whether the address has an account or not. The columns
-- name and password_hash of mail_token are the older release's and unused.
CREATE TABLE sign_up (
  token_hash BYTEA PRIMARY KEY,
  user_id TEXT NOT NULL,             -- whom the proof makes; there is no such user before it
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  password_hash TEXT,                -- NULL: no password comes into force; empty: it has come into force
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT                     -- from here on the token is worthless
) /*STRICT*/;
CREATE INDEX sign_up_email ON sign_up (email, created_at);
CREATE INDEX sign_up_expiry ON sign_up (expires_at);
CREATE INDEX mail_token_email ON mail_token (email);
