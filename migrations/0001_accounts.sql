-- Who exists: parties own money and listings, users act for them, keys prove it.
CREATE TABLE party (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,                -- organization | owner | wallet
  handle TEXT NOT NULL UNIQUE,       -- the marketplace's owner_id
  name TEXT NOT NULL,
  wallet_address TEXT,
  created_at BIGINT NOT NULL
) /*STRICT*/;

CREATE TABLE app_user (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  email_verified BIGINT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,                -- agent | human
  status TEXT NOT NULL,              -- active | disabled | paused | deleted
  created_at BIGINT NOT NULL
) /*STRICT*/;

CREATE TABLE member (
  party_id TEXT NOT NULL REFERENCES party (id),
  user_id TEXT NOT NULL REFERENCES app_user (id),
  role TEXT NOT NULL,                -- owner | admin | editor | viewer
  created_at BIGINT NOT NULL,
  PRIMARY KEY (party_id, user_id)
) /*STRICT*/;
CREATE INDEX member_user ON member (user_id, created_at);

-- A wallet address (lower case) names at most one party.
CREATE TABLE wallet_link (
  address TEXT PRIMARY KEY,
  party_id TEXT NOT NULL REFERENCES party (id),
  created_at BIGINT NOT NULL
) /*STRICT*/;

CREATE TABLE api_key (
  key_id TEXT PRIMARY KEY,           -- public half, 16 hex digits
  id TEXT NOT NULL UNIQUE,
  party_id TEXT NOT NULL REFERENCES party (id),
  user_id TEXT REFERENCES app_user (id),
  name TEXT NOT NULL,
  role TEXT NOT NULL,                -- buyer | provider | admin
  key_type TEXT NOT NULL,            -- user | agent: who holds it
  scopes TEXT,                       -- permissions separated by spaces; NULL: all that the role allows
  rate_limit_per_minute BIGINT,      -- NULL: not limited by key
  wallet_address TEXT,
  secret_hash BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  revoked_at BIGINT,
  last_used_at BIGINT
) /*STRICT*/;
CREATE INDEX api_key_party ON api_key (party_id, created_at);

-- Read-mostly state is cached in each process; a change of it counts its scope up in the same transaction.
CREATE TABLE change_counter (
  scope TEXT PRIMARY KEY,
  version BIGINT NOT NULL
) /*STRICT*/;
