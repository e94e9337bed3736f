-- Reserves room for bytes that are about to be written, in one step: the owner's lock is held for no longer than this
-- takes, however many clients of one owner come or leave at once.
--
-- `needed_bytes` is what the file takes now, `wanted_bytes` what it may take soon; a replaced file makes room for the new
-- one. A write that `begins` is written down; one under way that the sweeper has struck out stays so. How many bytes the
-- file may have: -1 where there is not as much room as it needs, null without such an owner.
CREATE FUNCTION reserve_file_room(
  key uuid, owner int, file_path text, needed_bytes bigint, wanted_bytes bigint, quota_bytes bigint,
  lease_seconds int, begins boolean
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  used bigint;
  replaced bigint;
  free bigint;
  granted bigint;
BEGIN
  -- The owner's row comes first, as where a user is deleted, so that the two cannot wait for each other.
  WITH locked AS (SELECT id FROM users WHERE id = owner FOR KEY SHARE)
  INSERT INTO file_usage AS usage (owner_id, size_bytes) SELECT id, 0 FROM locked
    ON CONFLICT (owner_id) DO UPDATE SET size_bytes = usage.size_bytes
    RETURNING size_bytes INTO used;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  SELECT coalesce(sum(size_bytes), 0) INTO replaced FROM files WHERE owner_id = owner AND path = file_path;
  SELECT quota_bytes - used + replaced - coalesce(sum(reserved_bytes), 0) INTO free
    FROM unreferenced_bytes WHERE owner_id = owner AND NOT doomed AND storage_key <> key;
  -- What takes no more room than it leaves fits, even where the quota has become smaller.
  IF needed_bytes > free AND needed_bytes > replaced THEN
    RETURN -1;
  END IF;
  granted := greatest(needed_bytes, least(free, wanted_bytes));
  IF begins THEN
    INSERT INTO unreferenced_bytes (storage_key, owner_id, reserved_bytes, leased_until)
      VALUES (key, owner, greatest(0, granted - replaced), now() + make_interval(secs => lease_seconds));
  ELSE
    UPDATE unreferenced_bytes
      SET reserved_bytes = greatest(0, granted - replaced), leased_until = now() + make_interval(secs => lease_seconds)
      WHERE storage_key = key AND NOT doomed;
  END IF;
  RETURN granted;
END
$$;
