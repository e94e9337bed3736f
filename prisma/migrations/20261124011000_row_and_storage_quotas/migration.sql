-- The whole size of an upload in progress. Unlike "reserved_bytes" it includes what a replaced file frees only afterwards:
-- until then the store holds both.
ALTER TABLE "orphaned_objects" ADD COLUMN "granted_bytes" BIGINT NOT NULL DEFAULT 0;

CREATE INDEX "orphaned_objects_granted_bytes_idx" ON "orphaned_objects" ("granted_bytes") WHERE NOT marked_for_deletion;

-- The size of the files of all owners, divided so that uploads of different owners rarely wait for the same row.
CREATE TABLE "file_totals" (
    "shard" INTEGER NOT NULL,
    "size_bytes" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "file_totals_pkey" PRIMARY KEY ("shard")
);

INSERT INTO "file_totals" (shard, size_bytes)
  SELECT shard, coalesce((SELECT sum(size_bytes) FROM file_usage WHERE owner_id % 16 = shard), 0)
  FROM generate_series(0, 15) AS shard;

CREATE FUNCTION maintain_file_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    UPDATE file_totals SET size_bytes = size_bytes - OLD.size_bytes WHERE shard = OLD.owner_id % 16;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    UPDATE file_totals SET size_bytes = size_bytes + NEW.size_bytes WHERE shard = NEW.owner_id % 16;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER "file_usage_after_insert" AFTER INSERT ON "file_usage"
  FOR EACH ROW WHEN (NEW.size_bytes <> 0) EXECUTE FUNCTION maintain_file_totals();
CREATE TRIGGER "file_usage_after_update" AFTER UPDATE ON "file_usage"
  FOR EACH ROW WHEN (OLD.size_bytes <> NEW.size_bytes) EXECUTE FUNCTION maintain_file_totals();
CREATE TRIGGER "file_usage_after_delete" AFTER DELETE ON "file_usage"
  FOR EACH ROW WHEN (OLD.size_bytes <> 0) EXECUTE FUNCTION maintain_file_totals();

DROP FUNCTION reserve_file_quota(uuid, int, text, bigint, bigint, bigint, int, boolean);

-- Reserves quota for an upload in one round trip, so that the owner's lock is held as briefly as possible.
--
-- `needed_bytes` is the size so far, `wanted_bytes` what the upload may need soon; the size of a file that is replaced is
-- available to it within the owner's quota. `total_max` bounds the files of all owners, `disk_bytes` is what the disk has
-- left; null if unbounded. With `is_new` the upload is registered; otherwise its reservation and lease are extended, unless
-- the clean-up job has claimed it. Returns how many bytes the file may have; null without owner, -1 if the owner's quota is
-- exceeded, -2 if the owner has `files_max` files, -3 if `total_max` is exceeded, -4 if the disk is full.
CREATE FUNCTION reserve_file_quota(
  key uuid, owner int, file_path text, needed_bytes bigint, wanted_bytes bigint, quota_bytes bigint, files_max bigint,
  total_max bigint, disk_bytes bigint, lease_seconds int, is_new boolean
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  used bigint;
  replaced bigint;
  is_replacement boolean;
  free bigint;
  total_used bigint;
  granted_others bigint;
  granted bigint;
BEGIN
  -- Lock the owner's row first, as the deletion of a user does, so that the two cannot deadlock.
  WITH locked AS (SELECT id FROM users WHERE id = owner FOR KEY SHARE)
  INSERT INTO file_usage AS usage (owner_id, size_bytes) SELECT id, 0 FROM locked
    ON CONFLICT (owner_id) DO UPDATE SET size_bytes = usage.size_bytes
    RETURNING size_bytes INTO used;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  SELECT coalesce(sum(size_bytes), 0), count(*) > 0 INTO replaced, is_replacement
    FROM files WHERE owner_id = owner AND path = file_path;
  IF is_new AND NOT is_replacement AND files_max <= (SELECT count(*) FROM files WHERE owner_id = owner)
    + (SELECT count(*) FROM orphaned_objects WHERE owner_id = owner AND NOT marked_for_deletion) THEN
    RETURN -2;
  END IF;
  SELECT quota_bytes - used + replaced - coalesce(sum(reserved_bytes), 0) INTO free
    FROM orphaned_objects WHERE owner_id = owner AND NOT marked_for_deletion AND storage_key <> key;
  -- A file that is no larger than the one that it replaces fits, even if the quota has been lowered since.
  IF needed_bytes > free AND needed_bytes > replaced THEN
    RETURN -1;
  END IF;
  granted := greatest(needed_bytes, least(free, wanted_bytes));

  IF granted > 0 THEN
    -- Uploads of different owners wait for each other only where together they could exceed a bound: each of at most some
    -- 256 connections may be granting one owner's quota. Locked last, so that the holder never waits.
    FOR attempt IN 1..2 LOOP
      SELECT coalesce(sum(size_bytes), 0) INTO total_used FROM file_totals;
      SELECT coalesce(sum(granted_bytes), 0) INTO granted_others
        FROM orphaned_objects WHERE NOT marked_for_deletion AND storage_key <> key;
      EXIT WHEN attempt = 2 OR least(total_max - total_used, disk_bytes) - granted_others > 256 * quota_bytes;
      PERFORM pg_advisory_xact_lock(hashtextextended('file_totals', 0));
    END LOOP;
    IF needed_bytes > total_max - total_used - granted_others THEN
      RETURN -3;
    END IF;
    IF needed_bytes > disk_bytes - granted_others THEN
      RETURN -4;
    END IF;
    granted := greatest(needed_bytes, least(granted, total_max - total_used - granted_others, disk_bytes - granted_others));
  END IF;

  IF is_new THEN
    INSERT INTO orphaned_objects (storage_key, owner_id, reserved_bytes, granted_bytes, leased_until)
      VALUES (key, owner, greatest(0, granted - replaced), granted, now() + make_interval(secs => lease_seconds));
  ELSE
    UPDATE orphaned_objects
      SET reserved_bytes = greatest(0, granted - replaced), granted_bytes = granted,
        leased_until = now() + make_interval(secs => lease_seconds)
      WHERE storage_key = key AND NOT marked_for_deletion;
  END IF;
  RETURN granted;
END $$;
