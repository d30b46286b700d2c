-- The job's role in the feedback database. It inserts into the feedback table and into the table of refused
-- rows, but can neither read nor change their rows. It reads and writes promo_stream_commits.
-- Run as the owner:  psql -d feedback -f feedback.sql
-- Then run \password promo_stream_writer in psql, so that no file and no server log contains the password.
-- Database and tables are those of overlays/prod/promo-stream.yaml.

CREATE ROLE promo_stream_writer LOGIN;
GRANT CONNECT ON DATABASE feedback TO promo_stream_writer;
GRANT USAGE ON SCHEMA public TO promo_stream_writer;
GRANT INSERT (restaurant_id, adv_campaign_id, adv_campaign_content, adv_campaign_owner,
    adv_campaign_owner_contact, adv_campaign_datetime_start, adv_campaign_datetime_end,
    datetime_created, client_id, trigger_datetime_created)
  ON TABLE public.subscribers_feedback TO promo_stream_writer;
-- A serial column needs this right for each insert. For an identity column only --check needs it, to report
-- how many numbers are left.
GRANT USAGE ON SEQUENCE public.subscribers_feedback_id_seq TO promo_stream_writer;

GRANT INSERT (restaurant_id, adv_campaign_id, adv_campaign_content, adv_campaign_owner,
    adv_campaign_owner_contact, adv_campaign_datetime_start, adv_campaign_datetime_end,
    datetime_created, client_id, trigger_datetime_created, reason)
  ON TABLE public.subscribers_feedback_refused TO promo_stream_writer;
GRANT SELECT ON TABLE public.promo_stream_commits TO promo_stream_writer;
GRANT INSERT ON TABLE public.promo_stream_commits TO promo_stream_writer;
GRANT UPDATE ON TABLE public.promo_stream_commits TO promo_stream_writer;

-- If the feedback table has a unique index on restaurant_id, adv_campaign_id and client_id, the job can
-- recognize rows that already exist. For that it needs to read the columns of the index:
-- GRANT SELECT (restaurant_id, adv_campaign_id, client_id)
--   ON TABLE public.subscribers_feedback TO promo_stream_writer;
