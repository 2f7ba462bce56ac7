-- Roles that an organisation made for itself. The column member.role holds the name of a built-in role or such an id.
CREATE TABLE org_role (
  id TEXT PRIMARY KEY,
  party_id TEXT NOT NULL REFERENCES party (id),
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,            -- the name in lower case: no two roles differ only in case
  description TEXT,
  permissions TEXT NOT NULL,         -- separated by spaces
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (party_id, name_key)
) /*STRICT*/;

-- Invitations by mail. The token itself is in the mail only; a resolved invitation is kept as history.
CREATE TABLE org_invite (
  id TEXT PRIMARY KEY,
  party_id TEXT NOT NULL REFERENCES party (id),
  email TEXT NOT NULL,               -- lower case
  role TEXT NOT NULL,                -- as member.role
  role_name TEXT NOT NULL,           -- as it was called when it was given
  token_hash BYTEA NOT NULL UNIQUE,
  invited_by TEXT NOT NULL REFERENCES app_user (id),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  accepted_at BIGINT,
  accepted_by TEXT REFERENCES app_user (id),
  revoked_at BIGINT
) /*STRICT*/;
CREATE INDEX org_invite_party ON org_invite (party_id, created_at, id);
CREATE INDEX org_invite_email ON org_invite (email, created_at);
CREATE INDEX api_key_user ON api_key (user_id, party_id);
