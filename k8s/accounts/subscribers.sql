-- The job's role in the subscribers' database. It reads two columns of one table.
-- Run as the owner:  psql -d restaurants -f subscribers.sql
-- Then run \password promo_stream_reader in psql, so that no file and no server log contains the password.
-- Database and table are those of overlays/prod/promo-stream.yaml.

CREATE ROLE promo_stream_reader LOGIN;
GRANT CONNECT ON DATABASE restaurants TO promo_stream_reader;
GRANT USAGE ON SCHEMA public TO promo_stream_reader;
GRANT SELECT (client_id, restaurant_id) ON TABLE public.subscribers_restaurants TO promo_stream_reader;
