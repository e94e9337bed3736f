-- CreateTable
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
    -- The words of name, SKU and description, whatever the language: no stemming and no stop words. Punctuation becomes
    -- spaces first, or the parser would take "CHAIR-12" for a word and a negative number, and "a.b" for a host.
    "search" tsvector GENERATED ALWAYS AS (
        to_tsvector(
            'simple'::regconfig,
            translate(
                "name" || ' ' || "sku" || ' ' || "description",
                '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~',
                repeat(' ', 32)
            )
        )
    ) STORED,

    CONSTRAINT "products_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "products_sku_key" ON "products"("sku");

-- Names are put in order by code point, which is the same on every server; the collation is the one that lists ask for.
-- CreateIndex
CREATE INDEX "products_name_id_idx" ON "products"("name" COLLATE "C", "id");

-- CreateIndex
CREATE INDEX "products_price_cents_id_idx" ON "products"("price_cents", "id");

-- CreateIndex
CREATE INDEX "products_stock_id_idx" ON "products"("stock", "id");

-- CreateIndex
CREATE INDEX "products_created_at_id_idx" ON "products"("created_at", "id");

-- CreateIndex
CREATE INDEX "products_category_id_idx" ON "products"("category", "id");

-- CreateIndex
CREATE INDEX "products_category_name_id_idx" ON "products"("category", "name" COLLATE "C", "id");

-- CreateIndex
CREATE INDEX "products_category_price_cents_id_idx" ON "products"("category", "price_cents", "id");

-- CreateIndex
CREATE INDEX "products_category_stock_id_idx" ON "products"("category", "stock", "id");

-- CreateIndex
CREATE INDEX "products_category_created_at_id_idx" ON "products"("category", "created_at", "id");

-- For `attributes @> '{"color": "red"}'`, which is all that the filter asks; this kind of index is the smallest for it.
-- CreateIndex
CREATE INDEX "products_attributes_idx" ON "products" USING GIN ("attributes" jsonb_path_ops);

-- CreateIndex
CREATE INDEX "products_search_idx" ON "products" USING GIN ("search");

-- What the application refuses politely, the database refuses for certain: whoever writes past the application (imports,
-- seeds, a session of psql) cannot leave a stock below zero behind, nor a price without a currency.
ALTER TABLE "products" ADD CONSTRAINT "products_sku_is_there" CHECK (sku <> '');
ALTER TABLE "products" ADD CONSTRAINT "products_name_is_there" CHECK (name <> '');
ALTER TABLE "products" ADD CONSTRAINT "products_price_is_not_negative" CHECK (price_cents >= 0);
ALTER TABLE "products" ADD CONSTRAINT "products_stock_is_not_negative" CHECK (stock >= 0);
ALTER TABLE "products" ADD CONSTRAINT "products_currency_is_a_code" CHECK (currency ~ '^[A-Z]{3}$');

-- The application holds attributes to 16 KiB of JSON as it is sent. PostgreSQL writes the same value with spaces and with
-- numbers in full (1e300 has 301 digits), so that its own bound is wider.
ALTER TABLE "products" ADD CONSTRAINT "products_attributes_are_an_object" CHECK (jsonb_typeof(attributes) = 'object');
ALTER TABLE "products" ADD CONSTRAINT "products_attributes_are_bounded" CHECK (octet_length(attributes::text) <= 65536);
