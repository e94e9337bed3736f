-- Parts of words are found by their trigrams. The extension is a trusted one: its installation takes the right to create
-- in the database, not a superuser.
CREATE EXTENSION IF NOT EXISTS "pg_trgm";

-- Lists are ordered by code point, whatever the collation of the database is, so the indexes of texts are too. Each order
-- ends in the id; each has an index that begins with the filter by role, so that a rare role costs no more than the other.
DROP INDEX "users_name_id_idx";
CREATE INDEX "users_name_id_idx" ON "users"("name" COLLATE "C", "id");
CREATE INDEX "users_email_id_idx" ON "users"("email" COLLATE "C", "id");
CREATE INDEX "users_role_name_id_idx" ON "users"("role", "name" COLLATE "C", "id");
CREATE INDEX "users_role_email_id_idx" ON "users"("role", "email" COLLATE "C", "id");
CREATE INDEX "users_role_created_at_id_idx" ON "users"("role", "created_at", "id");

-- Serves `q`.
CREATE INDEX "users_name_email_idx" ON "users" USING GIN ("name" gin_trgm_ops, "email" gin_trgm_ops);
