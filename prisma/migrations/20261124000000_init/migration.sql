-- Substring search uses trigrams. The extension is a trusted one: installing it requires the right to create objects in
-- the database, not a superuser.
CREATE EXTENSION IF NOT EXISTS "pg_trgm";

-- Replaces everything between words by a space: white space, control characters, punctuation, symbols and pictographs.
-- PostgreSQL's own parser reads "CHAIR-12" as a word and a negative number and "a.b" as a host, and in some locales takes
-- every character beyond ASCII for a letter. SEPARATORS in lib/platform/tokenize.ts must be the same set.
CREATE FUNCTION tokenize(content text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(
  content COLLATE "C",
  '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u2000-\u206f\u20a0-\u20cf\u2190-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u3030\ufe30-\ufe6f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\U0001f000-\U0001faff]+',
  ' ', 'g');

CREATE TYPE "Role" AS ENUM ('user', 'admin');
CREATE TYPE "FamilyRole" AS ENUM ('owner', 'member');
CREATE TYPE "PostVisibility" AS ENUM ('public', 'family', 'private');
CREATE TYPE "EmailTokenPurpose" AS ENUM ('reset_password', 'verify_email', 'revert_email');
CREATE TYPE "FileVisibility" AS ENUM ('private', 'public');

CREATE TABLE "users" (
    "id" SERIAL NOT NULL,
    "email" TEXT NOT NULL,
    "name" TEXT,
    "role" "Role" NOT NULL DEFAULT 'user',
    "pending_email" TEXT,
    "email_verified" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "passwords" (
    "user_id" INTEGER NOT NULL,
    "hash" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "passwords_pkey" PRIMARY KEY ("user_id")
);

CREATE TABLE "sessions" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "user_id" INTEGER NOT NULL,
    "user_agent" TEXT,
    "ip" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "authenticated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "refresh_tokens" (
    "hash" BYTEA NOT NULL,
    "session_id" UUID NOT NULL,
    "spent_at" TIMESTAMPTZ(3),

    CONSTRAINT "refresh_tokens_pkey" PRIMARY KEY ("hash")
);

CREATE TABLE "api_keys" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "user_id" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "scopes" TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(3),
    "expires_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "audit_events" (
    "id" BIGSERIAL NOT NULL,
    "action" TEXT NOT NULL,
    "actor_id" INTEGER,
    "ip" TEXT,
    "request_id" TEXT,
    "details" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_events_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "profiles" (
    "user_id" INTEGER NOT NULL,
    "bio" TEXT,
    "avatar_url" TEXT,
    "location" TEXT,
    "website" TEXT,
    "birth_date" DATE,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "profiles_pkey" PRIMARY KEY ("user_id")
);

CREATE TABLE "families" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "families_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "memberships" (
    "family_id" INTEGER NOT NULL,
    "user_id" INTEGER NOT NULL,
    "role" "FamilyRole" NOT NULL,
    "joined_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "memberships_pkey" PRIMARY KEY ("family_id","user_id")
);

CREATE TABLE "invitations" (
    "id" SERIAL NOT NULL,
    "family_id" INTEGER NOT NULL,
    "email" TEXT NOT NULL,
    "role" "FamilyRole" NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "invited_by_id" INTEGER,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "accepted_at" TIMESTAMPTZ(3),

    CONSTRAINT "invitations_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "posts" (
    "id" SERIAL NOT NULL,
    "author_id" INTEGER NOT NULL,
    "family_id" INTEGER,
    "title" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "visibility" "PostVisibility" NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    "search" tsvector GENERATED ALWAYS AS (
        to_tsvector('simple'::regconfig, tokenize("title" || ' ' || "content"))
    ) STORED,

    CONSTRAINT "posts_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "contact_messages" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "source" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "delivered_at" TIMESTAMPTZ(3),

    CONSTRAINT "contact_messages_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "mail_counters" (
    "recipient" BYTEA NOT NULL,
    "window_start" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "count" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "mail_counters_pkey" PRIMARY KEY ("recipient")
);

CREATE TABLE "email_tokens" (
    "hash" BYTEA NOT NULL,
    "purpose" "EmailTokenPurpose" NOT NULL,
    "user_id" INTEGER NOT NULL,
    "email" TEXT NOT NULL,
    "password_updated_at" TIMESTAMPTZ(3),
    "message_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),

    CONSTRAINT "email_tokens_pkey" PRIMARY KEY ("hash")
);

CREATE TABLE "files" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "owner_id" INTEGER NOT NULL,
    -- Ordered by bytes, so that the unique index also serves searches by prefix.
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

CREATE TABLE "file_usage" (
    "owner_id" INTEGER NOT NULL,
    "size_bytes" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "file_usage_pkey" PRIMARY KEY ("owner_id")
);

CREATE TABLE "orphaned_objects" (
    "storage_key" UUID NOT NULL,
    "owner_id" INTEGER NOT NULL,
    "reserved_bytes" BIGINT NOT NULL DEFAULT 0,
    "leased_until" TIMESTAMPTZ(3) NOT NULL,
    "marked_for_deletion" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "orphaned_objects_pkey" PRIMARY KEY ("storage_key")
);

CREATE TABLE "idempotency_records" (
    "id" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "response" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "idempotency_records_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "products" (
    "id" SERIAL NOT NULL,
    "sku" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "category" TEXT,
    "price_cents" INTEGER NOT NULL,
    "currency" TEXT NOT NULL,
    "stock" INTEGER NOT NULL DEFAULT 0,
    "attributes" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    -- No stemming and no stop words, because names and descriptions may be in any language.
    "search" tsvector GENERATED ALWAYS AS (
        to_tsvector('simple'::regconfig, tokenize("name" || ' ' || "sku" || ' ' || "description"))
    ) STORED,

    CONSTRAINT "products_pkey" PRIMARY KEY ("id")
);

-- Lists are ordered by code point, whatever the collation of the database, so the indexes of texts are COLLATE "C" too.
-- Every order ends in the id, and has another index that begins with the filter of the list.
CREATE UNIQUE INDEX "users_email_key" ON "users"("email");
CREATE INDEX "users_name_id_idx" ON "users"("name" COLLATE "C", "id");
CREATE INDEX "users_email_id_idx" ON "users"("email" COLLATE "C", "id");
CREATE INDEX "users_created_at_id_idx" ON "users"("created_at", "id");
CREATE INDEX "users_role_id_idx" ON "users"("role", "id");
CREATE INDEX "users_role_name_id_idx" ON "users"("role", "name" COLLATE "C", "id");
CREATE INDEX "users_role_email_id_idx" ON "users"("role", "email" COLLATE "C", "id");
CREATE INDEX "users_role_created_at_id_idx" ON "users"("role", "created_at", "id");
CREATE INDEX "users_name_email_idx" ON "users" USING GIN ("name" gin_trgm_ops, "email" gin_trgm_ops);
CREATE INDEX "sessions_user_id_idx" ON "sessions"("user_id");
CREATE INDEX "sessions_expires_at_idx" ON "sessions"("expires_at");
CREATE INDEX "refresh_tokens_session_id_idx" ON "refresh_tokens"("session_id");
CREATE UNIQUE INDEX "api_keys_hash_key" ON "api_keys"("hash");
CREATE INDEX "api_keys_user_id_idx" ON "api_keys"("user_id");
CREATE INDEX "audit_events_created_at_id_idx" ON "audit_events"("created_at", "id");
CREATE INDEX "audit_events_actor_id_created_at_id_idx" ON "audit_events"("actor_id", "created_at", "id");
CREATE INDEX "audit_events_action_created_at_id_idx" ON "audit_events"("action", "created_at", "id");
CREATE INDEX "memberships_user_id_family_id_idx" ON "memberships"("user_id", "family_id");
CREATE UNIQUE INDEX "invitations_token_hash_key" ON "invitations"("token_hash");
CREATE INDEX "invitations_family_id_id_idx" ON "invitations"("family_id", "id");
CREATE INDEX "invitations_invited_by_id_idx" ON "invitations"("invited_by_id");
CREATE INDEX "invitations_expires_at_idx" ON "invitations"("expires_at");
CREATE INDEX "posts_created_at_id_idx" ON "posts"("created_at", "id");
CREATE INDEX "posts_author_id_created_at_id_idx" ON "posts"("author_id", "created_at", "id");
CREATE INDEX "posts_family_id_created_at_id_idx" ON "posts"("family_id", "created_at", "id");
CREATE INDEX "mail_counters_window_start_idx" ON "mail_counters"("window_start");
CREATE UNIQUE INDEX "email_tokens_message_id_key" ON "email_tokens"("message_id");
CREATE INDEX "email_tokens_user_id_purpose_created_at_idx" ON "email_tokens"("user_id", "purpose", "created_at");
CREATE INDEX "email_tokens_expires_at_idx" ON "email_tokens"("expires_at");
CREATE UNIQUE INDEX "files_storage_key_key" ON "files"("storage_key");
CREATE INDEX "files_owner_id_created_at_id_idx" ON "files"("owner_id", "created_at", "id");
CREATE INDEX "files_owner_id_updated_at_id_idx" ON "files"("owner_id", "updated_at", "id");
CREATE UNIQUE INDEX "files_owner_id_path_key" ON "files"("owner_id", "path");
CREATE INDEX "orphaned_objects_owner_id_idx" ON "orphaned_objects"("owner_id");
CREATE INDEX "orphaned_objects_leased_until_idx" ON "orphaned_objects"("leased_until");
CREATE INDEX "idempotency_records_expires_at_idx" ON "idempotency_records"("expires_at");
CREATE UNIQUE INDEX "products_sku_key" ON "products"("sku");
CREATE INDEX "products_name_id_idx" ON "products"("name" COLLATE "C", "id");
CREATE INDEX "products_price_cents_id_idx" ON "products"("price_cents", "id");
CREATE INDEX "products_stock_id_idx" ON "products"("stock", "id");
CREATE INDEX "products_created_at_id_idx" ON "products"("created_at", "id");
CREATE INDEX "products_category_id_idx" ON "products"("category", "id");
CREATE INDEX "products_category_name_id_idx" ON "products"("category", "name" COLLATE "C", "id");
CREATE INDEX "products_category_price_cents_id_idx" ON "products"("category", "price_cents", "id");
CREATE INDEX "products_category_stock_id_idx" ON "products"("category", "stock", "id");
CREATE INDEX "products_category_created_at_id_idx" ON "products"("category", "created_at", "id");
-- jsonb_path_ops supports only @>, which is all that the filter needs, and is the smallest.
CREATE INDEX "products_attributes_idx" ON "products" USING GIN ("attributes" jsonb_path_ops);
CREATE INDEX "products_search_idx" ON "products" USING GIN ("search");

ALTER TABLE "passwords" ADD CONSTRAINT "passwords_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "refresh_tokens" ADD CONSTRAINT "refresh_tokens_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "profiles" ADD CONSTRAINT "profiles_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_family_id_fkey" FOREIGN KEY ("family_id") REFERENCES "families"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_family_id_fkey" FOREIGN KEY ("family_id") REFERENCES "families"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_invited_by_id_fkey" FOREIGN KEY ("invited_by_id") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE "posts" ADD CONSTRAINT "posts_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "posts" ADD CONSTRAINT "posts_family_id_fkey" FOREIGN KEY ("family_id") REFERENCES "families"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "email_tokens" ADD CONSTRAINT "email_tokens_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "files" ADD CONSTRAINT "files_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "file_usage" ADD CONSTRAINT "file_usage_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- At most one pending invitation per address and family; a new one replaces it.
CREATE UNIQUE INDEX "invitations_pending_key" ON "invitations"("family_id", "email") WHERE accepted_at IS NULL;

-- Public posts, newest first, of all authors and of one, without reading past hidden posts.
CREATE INDEX "posts_public_created_at_id_idx" ON "posts"("created_at", "id") WHERE visibility = 'public';
CREATE INDEX "posts_public_author_id_created_at_id_idx" ON "posts"("author_id", "created_at", "id") WHERE visibility = 'public';

-- Full-text search without stemming and stop words, because posts may be in any language.
-- Without a pending list, which a few long posts would fill and which every search would have to read.
CREATE INDEX "posts_search_idx" ON "posts" USING GIN ("search") WITH (fastupdate = off);

-- Defence in depth: these constraints also apply to writers that bypass the application.
ALTER TABLE "users" ADD CONSTRAINT "users_email_check" CHECK (email = lower(btrim(email)));
ALTER TABLE "users" ADD CONSTRAINT "users_pending_email_check" CHECK (pending_email = lower(btrim(pending_email)));
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_email_check" CHECK (email = lower(btrim(email)));
-- A token that is stored in plain text instead of its SHA-256 does not fit.
ALTER TABLE "refresh_tokens" ADD CONSTRAINT "refresh_tokens_hash_check" CHECK (octet_length(hash) = 32);
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_hash_check" CHECK (octet_length(hash) = 32);
ALTER TABLE "email_tokens" ADD CONSTRAINT "email_tokens_hash_check" CHECK (octet_length(hash) = 32);
ALTER TABLE "profiles"
  ADD CONSTRAINT "profiles_length_check" CHECK (
    char_length(bio) <= 2000 AND char_length(location) <= 100 AND char_length(avatar_url) <= 2048 AND char_length(website) <= 2048
  );
ALTER TABLE "families" ADD CONSTRAINT "families_name_check" CHECK (char_length(name) BETWEEN 1 AND 100);
ALTER TABLE "posts"
  ADD CONSTRAINT "posts_length_check" CHECK (char_length(title) BETWEEN 1 AND 200 AND char_length(content) BETWEEN 1 AND 50000),
  ADD CONSTRAINT "posts_family_id_check" CHECK ((visibility = 'family') = (family_id IS NOT NULL));
ALTER TABLE "products"
  ADD CONSTRAINT "products_sku_check" CHECK (sku <> ''),
  ADD CONSTRAINT "products_name_check" CHECK (name <> ''),
  ADD CONSTRAINT "products_price_cents_check" CHECK (price_cents >= 0),
  ADD CONSTRAINT "products_stock_check" CHECK (stock >= 0),
  ADD CONSTRAINT "products_currency_check" CHECK (currency ~ '^[A-Z]{3}$'),
  ADD CONSTRAINT "products_attributes_check" CHECK (jsonb_typeof(attributes) = 'object'),
  -- The application allows 16 KiB of JSON as sent. PostgreSQL's text form adds spaces and writes numbers in full (1e300 has
  -- 301 digits), hence the larger bound.
  ADD CONSTRAINT "products_attributes_size_check" CHECK (octet_length(attributes::text) <= 65536);
ALTER TABLE "files"
  ADD CONSTRAINT "files_sha256_check" CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  ADD CONSTRAINT "files_size_bytes_check" CHECK (size_bytes >= 0),
  ADD CONSTRAINT "files_path_check" CHECK (path <> '' AND path !~ '(^|/)(\.{0,2})(/|$)');
-- A bug in the accounting below fails the write instead of exceeding the quota.
ALTER TABLE "file_usage" ADD CONSTRAINT "file_usage_size_bytes_check" CHECK (size_bytes >= 0);

-- Rejects every change that would leave a family without an owner: leaving, removal, another role, account deletion. It
-- locks the family's row before it looks, so that of two owners who leave concurrently the second one sees the first
-- gone. A family that is itself being deleted is no longer found.
CREATE FUNCTION enforce_family_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM families WHERE id = OLD.family_id FOR NO KEY UPDATE;
  IF FOUND AND NOT EXISTS (SELECT 1 FROM memberships WHERE family_id = OLD.family_id AND role = 'owner') THEN
    RAISE EXCEPTION USING
      ERRCODE = 'check_violation',
      CONSTRAINT = 'families_owner_check',
      MESSAGE = format('family %s would violate the constraint "families_owner_check"', OLD.family_id);
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER "memberships_enforce_family_owner" AFTER DELETE OR UPDATE ON "memberships"
  FOR EACH ROW WHEN (OLD.role = 'owner') EXECUTE FUNCTION enforce_family_owner();

-- Maintains file_usage and records unreferenced storage keys on every change to files, user deletion included. Runs once
-- per statement, however many files it changes.
CREATE FUNCTION maintain_file_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'DELETE' THEN
    INSERT INTO file_usage AS usage (owner_id, size_bytes)
      SELECT owner_id, sum(size_bytes)::bigint FROM new_files GROUP BY owner_id ORDER BY owner_id
      ON CONFLICT (owner_id) DO UPDATE SET size_bytes = usage.size_bytes + EXCLUDED.size_bytes;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    UPDATE file_usage AS usage SET size_bytes = usage.size_bytes - freed.size_bytes
      FROM (SELECT owner_id, sum(size_bytes)::bigint AS size_bytes FROM old_files GROUP BY owner_id) AS freed
      WHERE usage.owner_id = freed.owner_id;
    INSERT INTO orphaned_objects (storage_key, owner_id, leased_until, marked_for_deletion)
      SELECT storage_key, owner_id, now(), true FROM old_files
      WHERE NOT EXISTS (SELECT 1 FROM files WHERE files.storage_key = old_files.storage_key);
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER "files_after_insert" AFTER INSERT ON "files" REFERENCING NEW TABLE AS new_files
  FOR EACH STATEMENT EXECUTE FUNCTION maintain_file_usage();
CREATE TRIGGER "files_after_update" AFTER UPDATE ON "files" REFERENCING OLD TABLE AS old_files NEW TABLE AS new_files
  FOR EACH STATEMENT EXECUTE FUNCTION maintain_file_usage();
CREATE TRIGGER "files_after_delete" AFTER DELETE ON "files" REFERENCING OLD TABLE AS old_files
  FOR EACH STATEMENT EXECUTE FUNCTION maintain_file_usage();

-- Reserves quota for an upload in one round trip, so that the owner's lock is held as briefly as possible.
--
-- `needed_bytes` is the size so far, `wanted_bytes` what the upload may need soon; the size of a file that is replaced is
-- available to it. With `is_new` the upload is registered; otherwise its reservation and lease are extended, unless the
-- clean-up job has claimed it. Returns how many bytes the file may have, -1 if the quota is exceeded, null without owner.
CREATE FUNCTION reserve_file_quota(
  key uuid, owner int, file_path text, needed_bytes bigint, wanted_bytes bigint, quota_bytes bigint,
  lease_seconds int, is_new boolean
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  used bigint;
  replaced bigint;
  free bigint;
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
  SELECT coalesce(sum(size_bytes), 0) INTO replaced FROM files WHERE owner_id = owner AND path = file_path;
  SELECT quota_bytes - used + replaced - coalesce(sum(reserved_bytes), 0) INTO free
    FROM orphaned_objects WHERE owner_id = owner AND NOT marked_for_deletion AND storage_key <> key;
  -- A file that is no larger than the one that it replaces fits, even if the quota has been lowered since.
  IF needed_bytes > free AND needed_bytes > replaced THEN
    RETURN -1;
  END IF;
  granted := greatest(needed_bytes, least(free, wanted_bytes));
  IF is_new THEN
    INSERT INTO orphaned_objects (storage_key, owner_id, reserved_bytes, leased_until)
      VALUES (key, owner, greatest(0, granted - replaced), now() + make_interval(secs => lease_seconds));
  ELSE
    UPDATE orphaned_objects
      SET reserved_bytes = greatest(0, granted - replaced), leased_until = now() + make_interval(secs => lease_seconds)
      WHERE storage_key = key AND NOT marked_for_deletion;
  END IF;
  RETURN granted;
END $$;
