CREATE TABLE "event_tickets" (
    "hash" BYTEA NOT NULL,
    "user_id" INTEGER NOT NULL,
    "session_id" UUID,
    "api_key_id" UUID,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),

    CONSTRAINT "event_tickets_pkey" PRIMARY KEY ("hash"),
    CONSTRAINT "event_tickets_hash_check" CHECK (octet_length(hash) = 32),
    -- A ticket opens a stream for the credential that it was issued to, and is revoked with it.
    CONSTRAINT "event_tickets_credential_check" CHECK (num_nonnulls(session_id, api_key_id) = 1)
);

CREATE INDEX "event_tickets_user_id_idx" ON "event_tickets"("user_id");
CREATE INDEX "event_tickets_session_id_idx" ON "event_tickets"("session_id");
CREATE INDEX "event_tickets_api_key_id_idx" ON "event_tickets"("api_key_id");
CREATE INDEX "event_tickets_expires_at_idx" ON "event_tickets"("expires_at");

ALTER TABLE "event_tickets" ADD CONSTRAINT "event_tickets_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "event_tickets" ADD CONSTRAINT "event_tickets_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "event_tickets" ADD CONSTRAINT "event_tickets_api_key_id_fkey" FOREIGN KEY ("api_key_id") REFERENCES "api_keys"("id") ON DELETE CASCADE ON UPDATE CASCADE;
