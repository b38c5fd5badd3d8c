-- The number of the migration that a program must contain to serve this schema: older programs find tables and columns gone
-- (here those of the migrations before this one). A migration that takes something away from programs raises it.
INSERT INTO settings (name, value) VALUES ('schema_floor', '0043');
