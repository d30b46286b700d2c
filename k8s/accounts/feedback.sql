-- The job's role in the database of the feedback rows: it adds to the feedback table and to the table of
-- refused rows, and can neither read nor change what is there; it keeps its own marks.
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

GRANT INSERT (restaurant_id, adv_campaign_id, adv_campaign_content, adv_campaign_owner,
    adv_campaign_owner_contact, adv_campaign_datetime_start, adv_campaign_datetime_end,
    datetime_created, client_id, trigger_datetime_created, reason)
  ON TABLE public.subscribers_feedback_refused TO promo_stream_writer;
GRANT SELECT ON TABLE public.promo_stream_commits TO promo_stream_writer;
GRANT INSERT ON TABLE public.promo_stream_commits TO promo_stream_writer;
GRANT UPDATE ON TABLE public.promo_stream_commits TO promo_stream_writer;

-- Where the feedback table has a unique index on restaurant_id, adv_campaign_id and client_id, the job
-- recognizes rows that are already there if it may read the index's columns:
-- GRANT SELECT (restaurant_id, adv_campaign_id, client_id)
--   ON TABLE public.subscribers_feedback TO promo_stream_writer;
