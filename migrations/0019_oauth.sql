-- Servers at which users have accounts, users' connections to them, and connections that are being made.
CREATE TABLE oauth_provider (
  id TEXT PRIMARY KEY,
  party_id TEXT REFERENCES party (id), -- NULL: the operator's, for everybody
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  logo_url TEXT,
  authorization_url TEXT NOT NULL,
  token_url TEXT NOT NULL,
  revocation_url TEXT,
  userinfo_url TEXT,
  client_id TEXT NOT NULL,
  client_secret BYTEA NOT NULL,      -- sealed
  scopes TEXT NOT NULL,              -- separated by spaces
  auth_method TEXT NOT NULL,         -- client_secret_post | client_secret_basic
  pkce_required BIGINT NOT NULL,
  auth_params TEXT NOT NULL,         -- JSON: more parameters of the authorization URL
  upstream_hosts TEXT NOT NULL,      -- separated by spaces: where tokens of an operator's provider may be sent
  is_active BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
) /*STRICT*/;
CREATE UNIQUE INDEX oauth_provider_slug ON oauth_provider (party_id, slug) WHERE party_id IS NOT NULL;
CREATE UNIQUE INDEX oauth_provider_global_slug ON oauth_provider (slug) WHERE party_id IS NULL;

-- A connection that is being made: first it waits for the provider, then, in a browser that did not begin it, for a yes.
CREATE TABLE oauth_pending (
  state_hash BYTEA PRIMARY KEY,
  provider_id TEXT NOT NULL REFERENCES oauth_provider (id),
  party_id TEXT NOT NULL REFERENCES party (id), -- for whom the holder acted, to tell users who asks
  holder TEXT NOT NULL,              -- as in oauth_connection
  callback TEXT NOT NULL,            -- the address that the provider sends the browser to
  redirect_uri TEXT NOT NULL,        -- where the browser goes in the end
  verifier BYTEA NOT NULL,           -- sealed
  browser_hash BYTEA NOT NULL,
  code BYTEA,                        -- sealed; NULL: the provider has not answered
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
) /*STRICT*/;
CREATE INDEX oauth_pending_expires ON oauth_pending (expires_at);
CREATE INDEX oauth_pending_holder ON oauth_pending (holder);
CREATE INDEX oauth_pending_provider ON oauth_pending (provider_id);

CREATE TABLE oauth_connection (
  id TEXT PRIMARY KEY,
  provider_id TEXT NOT NULL REFERENCES oauth_provider (id),
  holder TEXT NOT NULL,              -- the user's id; the party's where a key belongs to it as such
  account TEXT NOT NULL,             -- who it is at the provider; empty: not known
  email TEXT,
  scopes TEXT NOT NULL,              -- separated by spaces
  tokens BYTEA NOT NULL,             -- sealed
  expires_at BIGINT,                 -- of the access token; NULL: not known
  renews BIGINT NOT NULL,            -- whether there is a refresh token
  is_valid BIGINT NOT NULL,          -- 0: the user has to connect anew
  is_default BIGINT NOT NULL,
  generation BIGINT NOT NULL,        -- counts up with every new pair of tokens
  leased_until BIGINT,               -- whoever renews the tokens has them for himself until then
  last_used_at BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
) /*STRICT*/;
CREATE UNIQUE INDEX oauth_connection_account ON oauth_connection (holder, provider_id, account);
CREATE UNIQUE INDEX oauth_connection_default ON oauth_connection (holder, provider_id) WHERE is_default = 1;
CREATE INDEX oauth_connection_provider ON oauth_connection (provider_id);

-- Whose account at which server a call of a listing is made with.
ALTER TABLE listing ADD COLUMN oauth_provider_id TEXT;
ALTER TABLE listing ADD COLUMN requires_user_oauth BIGINT NOT NULL DEFAULT 0;
CREATE INDEX listing_oauth_provider ON listing (oauth_provider_id) WHERE oauth_provider_id IS NOT NULL;
