-- The first schema. Times are milliseconds since 1970, flags 0 or 1, enums the names of Java's.
PRAGMA application_id = 1414678850; -- "TRIB"

CREATE TABLE tenants (
  name TEXT PRIMARY KEY,
  display_name TEXT NOT NULL,
  requests_per_minute INTEGER,
  tokens_per_minute INTEGER,
  concurrent_requests INTEGER,
  queued_requests INTEGER,
  adapters INTEGER,
  adapter_bytes INTEGER,
  replays_per_hour INTEGER,
  weight INTEGER,
  resident_bytes INTEGER,
  created INTEGER NOT NULL,
  etag TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL REFERENCES tenants (name),
  role TEXT NOT NULL,
  contributor TEXT NOT NULL,
  display_name TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER,
  last_use INTEGER,
  secret_hash BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX keys_of_tenant ON keys (tenant, id);

CREATE TABLE adapters (
  tenant TEXT NOT NULL REFERENCES tenants (name),
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  labels TEXT NOT NULL, -- JSON object
  latest INTEGER NOT NULL, -- highest number ever given
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  etag TEXT NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE versions (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  number INTEGER NOT NULL,
  digest TEXT NOT NULL,
  base_digest TEXT NOT NULL,
  base_mismatch_allowed INTEGER NOT NULL,
  origin TEXT NOT NULL,
  rank INTEGER NOT NULL,
  targets TEXT NOT NULL, -- JSON array
  parameters INTEGER NOT NULL,
  weights_bytes INTEGER NOT NULL,
  dora INTEGER NOT NULL,
  alone INTEGER NOT NULL,
  base_name TEXT NOT NULL,
  manifest_digest TEXT NOT NULL,
  folder TEXT,
  stored_bytes INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  pinned INTEGER NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (tenant, name, number),
  FOREIGN KEY (tenant, name) REFERENCES adapters (tenant, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX versions_by_digest ON versions (tenant, digest, name, number, stored_bytes, folder);
CREATE INDEX versions_pinned ON versions (tenant, name, number) WHERE pinned = 1;

-- A version can't go while an alias leads to it: the references to versions have no action.
CREATE TABLE aliases (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  alias TEXT NOT NULL,
  shadow_number INTEGER,
  shadow_ppm INTEGER,
  etag TEXT NOT NULL,
  PRIMARY KEY (tenant, name, alias),
  FOREIGN KEY (tenant, name) REFERENCES adapters (tenant, name) ON DELETE CASCADE,
  FOREIGN KEY (tenant, name, shadow_number) REFERENCES versions (tenant, name, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE alias_targets (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  alias TEXT NOT NULL,
  number INTEGER NOT NULL,
  weight INTEGER NOT NULL,
  PRIMARY KEY (tenant, name, alias, number),
  FOREIGN KEY (tenant, name, alias) REFERENCES aliases (tenant, name, alias) ON DELETE CASCADE,
  FOREIGN KEY (tenant, name, number) REFERENCES versions (tenant, name, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE uploads (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL REFERENCES tenants (name) ON DELETE CASCADE,
  adapter TEXT NOT NULL,
  header BLOB NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX uploads_of_tenant ON uploads (tenant, id);
CREATE INDEX uploads_by_expiry ON uploads (expires);

CREATE TABLE requests (
  seq INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  request_id TEXT NOT NULL,
  generation_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  UNIQUE (tenant, request_id)
) STRICT;

CREATE INDEX requests_by_time ON requests (at);

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  tenant TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  outcome TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_is_not_cut BEFORE DELETE ON audit
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;
