-- The job's role in the database of the feedback rows: it adds to one table, and can neither read nor
-- change what is there.
-- As the owner:  psql -d feedback -f feedback.sql
-- Then, in psql, \password promo_stream_writer: so no file and no log of the server holds it.
-- Database and table are those of overlays/prod/promo-stream.yaml.

CREATE ROLE promo_stream_writer LOGIN;
GRANT CONNECT ON DATABASE feedback TO promo_stream_writer;
GRANT USAGE ON SCHEMA public TO promo_stream_writer;
GRANT INSERT (restaurant_id, adv_campaign_id, adv_campaign_content, adv_campaign_owner,
    adv_campaign_owner_contact, adv_campaign_datetime_start, adv_campaign_datetime_end,
    datetime_created, client_id, trigger_datetime_created)
  ON TABLE public.subscribers_feedback TO promo_stream_writer;
-- A serial id takes its numbers with the role's right. For an identity column this is only for --check
-- to see how far it is used up.
GRANT USAGE ON SEQUENCE public.subscribers_feedback_id_seq TO promo_stream_writer;

-- Nothing more is asked of the server: prepared transactions, advisory locks and pg_prepared_xacts are
-- open to every role, and who prepared a transaction may commit it or roll it back.
