-- Facts about this database that every process on it must agree with.
CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) /*STRICT*/;
