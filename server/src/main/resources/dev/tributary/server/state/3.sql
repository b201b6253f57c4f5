-- How long a tenant's answers are kept; NULL: for ever.
ALTER TABLE tenants ADD COLUMN retention_seconds INTEGER;
