-- CreateEnum
CREATE TYPE "FamilyRole" AS ENUM ('owner', 'member');

-- CreateEnum
CREATE TYPE "PostVisibility" AS ENUM ('public', 'family', 'private');

-- CreateTable
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

-- CreateTable
CREATE TABLE "families" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "families_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "memberships" (
    "family_id" INTEGER NOT NULL,
    "user_id" INTEGER NOT NULL,
    "role" "FamilyRole" NOT NULL,
    "joined_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "memberships_pkey" PRIMARY KEY ("family_id","user_id")
);

-- CreateTable
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

-- CreateTable
CREATE TABLE "posts" (
    "id" SERIAL NOT NULL,
    "author_id" INTEGER NOT NULL,
    "family_id" INTEGER,
    "title" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "visibility" "PostVisibility" NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "posts_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "memberships_user_id_family_id_idx" ON "memberships"("user_id", "family_id");

-- CreateIndex
CREATE UNIQUE INDEX "invitations_token_hash_key" ON "invitations"("token_hash");

-- CreateIndex
CREATE INDEX "invitations_family_id_id_idx" ON "invitations"("family_id", "id");

-- CreateIndex
CREATE INDEX "invitations_invited_by_id_idx" ON "invitations"("invited_by_id");

-- CreateIndex
CREATE INDEX "invitations_expires_at_idx" ON "invitations"("expires_at");

-- CreateIndex
CREATE INDEX "posts_created_at_id_idx" ON "posts"("created_at", "id");

-- CreateIndex
CREATE INDEX "posts_author_id_created_at_id_idx" ON "posts"("author_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "posts_family_id_created_at_id_idx" ON "posts"("family_id", "created_at", "id");

-- AddForeignKey
ALTER TABLE "profiles" ADD CONSTRAINT "profiles_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_family_id_fkey" FOREIGN KEY ("family_id") REFERENCES "families"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_family_id_fkey" FOREIGN KEY ("family_id") REFERENCES "families"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_invited_by_id_fkey" FOREIGN KEY ("invited_by_id") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "posts" ADD CONSTRAINT "posts_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "posts" ADD CONSTRAINT "posts_family_id_fkey" FOREIGN KEY ("family_id") REFERENCES "families"("id") ON DELETE CASCADE ON UPDATE CASCADE;


-- Lengths and forms as the interface promises them, whoever writes.
ALTER TABLE "profiles"
  ADD CONSTRAINT "profiles_lengths" CHECK (
    char_length(bio) <= 2000 AND char_length(location) <= 100 AND char_length(avatar_url) <= 2048 AND char_length(website) <= 2048
  );
ALTER TABLE "families" ADD CONSTRAINT "families_name_length" CHECK (char_length(name) BETWEEN 1 AND 100);
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_email_is_normal" CHECK (email = lower(btrim(email)));
ALTER TABLE "posts"
  ADD CONSTRAINT "posts_lengths" CHECK (char_length(title) BETWEEN 1 AND 200 AND char_length(content) BETWEEN 1 AND 50000);

-- A family's post names its family, and no other post names one.
ALTER TABLE "posts"
  ADD CONSTRAINT "posts_family_goes_with_visibility" CHECK ((visibility = 'family') = (family_id IS NOT NULL));

-- An address has one open invitation to a family at a time: a new one takes the place of the one before.
CREATE UNIQUE INDEX "invitations_open_key" ON "invitations" ("family_id", "email") WHERE accepted_at IS NULL;

-- What anybody may see, newest first, of everybody and of one author, without passing over what is hidden.
CREATE INDEX "posts_public_newest_idx" ON "posts" ("created_at", "id") WHERE visibility = 'public';
CREATE INDEX "posts_public_by_author_idx" ON "posts" ("author_id", "created_at", "id") WHERE visibility = 'public';

-- The words of a post, in whatever language: no stemming, no stop words. A query of any length finds its rows here.
CREATE INDEX "posts_words_idx" ON "posts" USING gin (to_tsvector('simple', title || ' ' || content));

-- Refuses whatever would leave a family without an owner: leaving, removal, another role, the deletion of the account.
-- Each takes the lock on the family's row before it looks, so that of two owners who leave at once the second sees
-- the first gone. A family that is itself being deleted is no longer found.
CREATE FUNCTION keep_an_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM families WHERE id = OLD.family_id FOR NO KEY UPDATE;
  IF FOUND AND NOT EXISTS (SELECT 1 FROM memberships WHERE family_id = OLD.family_id AND role = 'owner') THEN
    RAISE EXCEPTION USING
      ERRCODE = 'check_violation',
      CONSTRAINT = 'families_have_an_owner',
      MESSAGE = format('family %s would violate the constraint "families_have_an_owner"', OLD.family_id);
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER "families_have_an_owner" AFTER DELETE OR UPDATE ON "memberships"
  FOR EACH ROW WHEN (OLD.role = 'owner') EXECUTE FUNCTION keep_an_owner();
