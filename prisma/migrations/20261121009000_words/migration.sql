-- A text with a space for everything that stands between words: white space, control characters, punctuation and symbols
-- of every script's own and of typography, and pictographs. PostgreSQL's parser takes "CHAIR-12" for a word and a negative
-- number and "a.b" for a host, and in a locale without letters of its own every character beyond ASCII for a letter: there
-- “oak” in quotes would be no "oak". `BETWEEN_WORDS` in lib/words.ts is the same set.
CREATE FUNCTION words_of(content text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(
  content COLLATE "C",
  '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u2000-\u206f\u20a0-\u20cf\u2190-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u3030\ufe30-\ufe6f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\U0001f000-\U0001faff]+',
  ' ', 'g');

-- The index goes with the column.
ALTER TABLE "products" DROP COLUMN "search";
ALTER TABLE "products" ADD COLUMN "search" tsvector GENERATED ALWAYS AS (
  to_tsvector('simple'::regconfig, words_of("name" || ' ' || "sku" || ' ' || "description"))
) STORED;
CREATE INDEX "products_search_idx" ON "products" USING gin ("search");

DROP INDEX "posts_words_idx";
CREATE INDEX "posts_words_idx" ON "posts" USING gin (to_tsvector('simple', words_of(title || ' ' || content)));
