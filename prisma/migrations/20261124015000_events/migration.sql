-- The outbox: every change writes its event in its own transaction. `id` is taken while the subject is locked, so per
-- subject it ascends in the order of the commits. `position` is the place in the feed, assigned after the commit.
CREATE TABLE "events" (
    "id" BIGSERIAL NOT NULL,
    "position" BIGINT,
    "type" TEXT NOT NULL,
    "actor_id" INTEGER,
    "subject_type" TEXT NOT NULL,
    "subject_id" TEXT,
    -- Not JSONB: it is stored and returned as it was written.
    "data" JSON,
    "everyone" BOOLEAN NOT NULL DEFAULT false,
    "admins" BOOLEAN NOT NULL DEFAULT false,
    "user_ids" INTEGER[],
    "except_admins" BOOLEAN NOT NULL DEFAULT false,
    "except_user_ids" INTEGER[],
    "held_until" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "events_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "event_feed" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "last_position" BIGINT NOT NULL DEFAULT 0,
    "deleted_position" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "event_feed_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "event_feed_id_check" CHECK (id = 1),
    CONSTRAINT "event_feed_position_check" CHECK (deleted_position <= last_position)
);
INSERT INTO "event_feed" DEFAULT VALUES;

ALTER TABLE "events"
  ADD CONSTRAINT "events_type_check" CHECK (type ~ '^[a-z_]+\.[a-z_]+$'),
  -- A deletion must not reveal what the subject was.
  ADD CONSTRAINT "events_data_check" CHECK (type !~ '\.deleted$' OR data IS NULL),
  ADD CONSTRAINT "events_data_size_check" CHECK (octet_length(data::text) <= 1048576);

-- Partial, so that the transaction of a change maintains only the primary key and the first of these.
CREATE INDEX "events_pending_id_idx" ON "events"("id") WHERE position IS NULL;
CREATE UNIQUE INDEX "events_position_key" ON "events"("position") WHERE position IS NOT NULL;
CREATE INDEX "events_user_ids_idx" ON "events" USING GIN ("user_ids") WHERE position IS NOT NULL AND user_ids IS NOT NULL;

-- Gives committed events their positions, in the order of their ids, and returns how many. The row of event_feed is locked
-- until the commit, so positions become visible in ascending order: a reader that has seen one has seen all before it, and
-- an event whose transaction commits late gets a later one. No session state, so it works behind a transaction pooler.
CREATE FUNCTION sequence_events(batch_size int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  numbered int;
BEGIN
  IF NOT EXISTS (SELECT FROM events WHERE position IS NULL AND coalesce(held_until <= clock_timestamp(), true)) THEN
    RETURN 0;
  END IF;
  PERFORM FROM event_feed FOR UPDATE;
  -- This statement's snapshot is taken under the lock, so it sees what the previous holder has numbered.
  WITH pending AS MATERIALIZED (
    SELECT id, row_number() OVER (ORDER BY id) AS place FROM (
      SELECT id FROM events WHERE position IS NULL AND coalesce(held_until <= clock_timestamp(), true)
      ORDER BY id LIMIT batch_size
    ) AS oldest
  )
  UPDATE events SET position = feed.last_position + pending.place
    FROM pending, event_feed AS feed WHERE events.id = pending.id;
  GET DIAGNOSTICS numbered = ROW_COUNT;
  UPDATE event_feed SET last_position = last_position + numbered;
  RETURN numbered;
END $$;
