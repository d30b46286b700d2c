-- The job's role in the database of the subscriptions: it reads two columns of one table.
-- As the owner:  psql -d restaurants -f subscribers.sql
-- Then, in psql, \password promo_stream_reader: so no file and no log of the server holds it.
-- Database and table are those of overlays/prod/promo-stream.yaml.

CREATE ROLE promo_stream_reader LOGIN;
GRANT CONNECT ON DATABASE restaurants TO promo_stream_reader;
GRANT USAGE ON SCHEMA public TO promo_stream_reader;
GRANT SELECT (client_id, restaurant_id) ON TABLE public.subscribers_restaurants TO promo_stream_reader;
