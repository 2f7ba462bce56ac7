-- How far each call got. A row is written with its hold and closed with its posting.
CREATE TABLE call (
  id TEXT PRIMARY KEY,
  buyer_party_id TEXT NOT NULL,
  seller_party_id TEXT NOT NULL,
  listing_id TEXT NOT NULL,
  key_id TEXT,
  door TEXT NOT NULL,                -- platform | marketplace | sql-gateway
  method TEXT NOT NULL,
  path TEXT NOT NULL,                -- without query, cut to 256 bytes
  state TEXT NOT NULL,               -- open | charged | free | failed | canceled | expired
  free_tier BIGINT NOT NULL,
  quoted BIGINT NOT NULL,
  charged BIGINT NOT NULL,
  status_code BIGINT,
  latency_ms BIGINT,
  request_id TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  finished_at BIGINT
) /*STRICT*/;
CREATE INDEX call_buyer ON call (buyer_party_id, created_at, id);
CREATE INDEX call_seller ON call (seller_party_id, created_at, id);
CREATE INDEX call_listing ON call (listing_id, created_at, id);
CREATE INDEX call_open ON call (expires_at) WHERE state = 'open';

-- The answer to a request that carried an idempotency key, scoped to caller and route.
CREATE TABLE idempotency (
  scope TEXT NOT NULL,               -- party and listing
  key TEXT NOT NULL,
  digest BYTEA NOT NULL,             -- of method, path, query and body
  call_id TEXT NOT NULL,
  state TEXT NOT NULL,               -- running | done | too_large
  status_code BIGINT,
  headers TEXT,
  body BYTEA,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (scope, key)
) /*STRICT*/;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);
