-- Where an organisation's traffic, chats and data may be, and what its publishers look like.

-- Private network endpoints through which requests for an organisation may come.
CREATE TABLE vpc_endpoint (
  id TEXT PRIMARY KEY,
  party_id TEXT NOT NULL REFERENCES party (id),
  region TEXT NOT NULL,
  endpoint_id TEXT NOT NULL,         -- the cloud provider's name for it
  label TEXT,
  state TEXT NOT NULL,               -- pending: recorded | available: a request has come through it
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (party_id, endpoint_id)
) /*STRICT*/;
CREATE INDEX vpc_endpoint_party ON vpc_endpoint (party_id, created_at, id);

-- What chat programs of an organisation's members may use; no row: what they like.
CREATE TABLE chat_policy (
  party_id TEXT PRIMARY KEY REFERENCES party (id),
  mode TEXT NOT NULL,                -- standard | private_org_agent
  deployment_id TEXT,
  model_id TEXT,
  fallback_models TEXT NOT NULL,     -- one a line
  switches TEXT NOT NULL,            -- the names of those that are on, separated by spaces
  private_output TEXT NOT NULL,      -- control_plane | private_session_database
  session_provider TEXT,             -- NULL: no database for sessions
  session_engine TEXT,
  session_url_secret_key TEXT,
  session_database_name TEXT,
  updated_at BIGINT NOT NULL
) /*STRICT*/;

-- Databases that the operator's PostgreSQL holds for organisations.
CREATE TABLE db_project (
  id TEXT PRIMARY KEY,
  party_id TEXT NOT NULL REFERENCES party (id),
  name TEXT NOT NULL,
  role_name TEXT NOT NULL UNIQUE,    -- who owns the project's databases on the server
  created_at BIGINT NOT NULL,
  UNIQUE (party_id, name)
) /*STRICT*/;

CREATE TABLE db_branch (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES db_project (id),
  name TEXT NOT NULL,
  is_default BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (project_id, name)
) /*STRICT*/;

CREATE TABLE db_database (
  id TEXT PRIMARY KEY,
  branch_id TEXT NOT NULL REFERENCES db_branch (id),
  name TEXT NOT NULL,
  server_name TEXT NOT NULL UNIQUE,  -- what the server calls it
  created_at BIGINT NOT NULL,
  UNIQUE (branch_id, name)
) /*STRICT*/;

-- The picture of a listing, as it was made safe to be shown.
CREATE TABLE listing_logo (
  listing_id TEXT PRIMARY KEY REFERENCES listing (id),
  party_id TEXT NOT NULL REFERENCES party (id),
  media_type TEXT NOT NULL,
  content BYTEA NOT NULL,
  digest TEXT NOT NULL,              -- of content, in hex
  created_at BIGINT NOT NULL
) /*STRICT*/;
