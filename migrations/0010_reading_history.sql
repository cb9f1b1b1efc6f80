-- For what ops ask of the history as a whole.
create index verifications_finished on verifications (finished_at) where state = 'finished';
create index tokens_newest on tokens (created_at desc, id desc);
