-- CreateEnum
CREATE TYPE "FileVisibility" AS ENUM ('private', 'public');

-- CreateTable
CREATE TABLE "files" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "owner_id" INTEGER NOT NULL,
    "path" TEXT COLLATE "C" NOT NULL,
    "size_bytes" BIGINT NOT NULL,
    "mime_type" TEXT NOT NULL,
    "sha256" TEXT NOT NULL,
    "visibility" "FileVisibility" NOT NULL DEFAULT 'private',
    "storage_key" UUID NOT NULL,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "files_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "file_usage" (
    "owner_id" INTEGER NOT NULL,
    "size_bytes" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "file_usage_pkey" PRIMARY KEY ("owner_id")
);

-- CreateTable
CREATE TABLE "unreferenced_bytes" (
    "storage_key" UUID NOT NULL,
    "owner_id" INTEGER NOT NULL,
    "reserved_bytes" BIGINT NOT NULL DEFAULT 0,
    "leased_until" TIMESTAMPTZ(3) NOT NULL,
    "doomed" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "unreferenced_bytes_pkey" PRIMARY KEY ("storage_key")
);

-- CreateIndex
CREATE UNIQUE INDEX "files_storage_key_key" ON "files"("storage_key");

-- CreateIndex
CREATE INDEX "files_owner_id_created_at_id_idx" ON "files"("owner_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "files_owner_id_updated_at_id_idx" ON "files"("owner_id", "updated_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "files_owner_id_path_key" ON "files"("owner_id", "path");

-- CreateIndex
CREATE INDEX "unreferenced_bytes_owner_id_idx" ON "unreferenced_bytes"("owner_id");

-- CreateIndex
CREATE INDEX "unreferenced_bytes_leased_until_idx" ON "unreferenced_bytes"("leased_until");

-- AddForeignKey
ALTER TABLE "files" ADD CONSTRAINT "files_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "file_usage" ADD CONSTRAINT "file_usage_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Paths are ordered by their bytes (COLLATE "C" above), so that the unique index also serves searches by prefix.

-- What a hash looks like, what a size is, and that no owner ever has less than nothing: a fault in the accounting below
-- fails the write instead of giving storage away.
ALTER TABLE "files" ADD CONSTRAINT "files_sha256_is_hex" CHECK (sha256 ~ '^[0-9a-f]{64}$');
ALTER TABLE "files" ADD CONSTRAINT "files_size_is_not_negative" CHECK (size_bytes >= 0);
ALTER TABLE "files" ADD CONSTRAINT "files_path_is_relative" CHECK (path <> '' AND path !~ '(^|/)(\.{0,2})(/|$)');
ALTER TABLE "file_usage" ADD CONSTRAINT "file_usage_is_not_negative" CHECK (size_bytes >= 0);

-- Whatever adds, replaces or removes files, a user's deletion included, accounts for their sizes and writes down the keys
-- that no file names any more, in the same transaction. Once a statement, however many files it touches.
CREATE FUNCTION account_for_files() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'DELETE' THEN
    INSERT INTO file_usage AS usage (owner_id, size_bytes)
      SELECT owner_id, sum(size_bytes)::bigint FROM new_files GROUP BY owner_id ORDER BY owner_id
      ON CONFLICT (owner_id) DO UPDATE SET size_bytes = usage.size_bytes + EXCLUDED.size_bytes;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    UPDATE file_usage AS usage SET size_bytes = usage.size_bytes - gone.size_bytes
      FROM (SELECT owner_id, sum(size_bytes)::bigint AS size_bytes FROM old_files GROUP BY owner_id) AS gone
      WHERE usage.owner_id = gone.owner_id;
    INSERT INTO unreferenced_bytes (storage_key, owner_id, leased_until, doomed)
      SELECT storage_key, owner_id, now(), true FROM old_files
      WHERE NOT EXISTS (SELECT 1 FROM files WHERE files.storage_key = old_files.storage_key);
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER files_inserted AFTER INSERT ON files REFERENCING NEW TABLE AS new_files
  FOR EACH STATEMENT EXECUTE FUNCTION account_for_files();
CREATE TRIGGER files_updated AFTER UPDATE ON files REFERENCING OLD TABLE AS old_files NEW TABLE AS new_files
  FOR EACH STATEMENT EXECUTE FUNCTION account_for_files();
CREATE TRIGGER files_deleted AFTER DELETE ON files REFERENCING OLD TABLE AS old_files
  FOR EACH STATEMENT EXECUTE FUNCTION account_for_files();
