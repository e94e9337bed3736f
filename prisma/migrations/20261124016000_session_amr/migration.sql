-- Sessions that exist were opened with a password. New ones always name their methods.
ALTER TABLE "sessions" ADD COLUMN "amr" TEXT[] NOT NULL DEFAULT ARRAY['pwd']::TEXT[];
ALTER TABLE "sessions" ALTER COLUMN "amr" DROP DEFAULT;
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_amr" CHECK (cardinality("amr") > 0);
