-- How long a tenant's answers are kept; NULL: for ever.
ALTER TABLE tenants ADD COLUMN retention_seconds INTEGER;

-- Of tenants that were deleted. The ledger knows answers by their tenant's name, so nobody else gets
-- it.
CREATE TABLE former_tenants (
  name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
