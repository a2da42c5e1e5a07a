-- A batch of the door in one round trip: the statements of store/batch.rs, in their order. Each sees what others have
-- committed before it, as in any transaction. The arrays hold one value a row; deliveries are the hashes of webhook ids,
-- scores and deals what an event brings to admission.
create function accept_events(
    ids text[], webhooks text[], body_hashes text[], kinds text[], contacts_of text[], statuses text[], received bigint[],
    occurred bigint[], payloads text[], admissions text[], warnings_of text[], actors text[], forced bigint[],
    sequences_of bigint[], traces text[], attempts_of bigint[], next_attempts bigint[], updated bigint[], finished bigint[],
    deliveries text[], scores text[], deals bigint[], batch_now bigint, batch_contacts text[]
) returns table (seq bigint, id text) language plpgsql as $$
#variable_conflict use_column
declare
    new_seqs bigint[];
    new_ids text[];
    known_ids text[];
begin
    -- Sorted, so that two replicas never wait for each other.
    perform pg_advisory_xact_lock(hashtextextended(contact, 7)) from unnest(batch_contacts) as contact;

    with inserted as (
        insert into events (id, webhook_id, body_hash, kind, contact_id, status, received_at, occurred_at, payload,
            admission, warnings, actor, force, sequence, trace_parent, attempts, next_attempt_at, updated_at, finished_at)
        select * from unnest(ids, webhooks, body_hashes, kinds, contacts_of, statuses, received, occurred, payloads,
            admissions, warnings_of, actors, forced, sequences_of, traces, attempts_of, next_attempts, updated, finished)
        on conflict (webhook_id) do nothing
        returning events.seq, events.id
    )
    select array_agg(inserted.seq), array_agg(inserted.id) into new_seqs, new_ids from inserted;

    -- Deliveries whose events retention took away. Looked for after the insert, which waits for a retention that is just
    -- taking such an event away.
    select array_agg(given.id) into known_ids
    from unnest(ids, deliveries) as given (id, delivery) join webhook_ids on webhook_ids.hash = given.delivery;
    if known_ids is not null then
        delete from events where events.id = any (known_ids) and events.id = any (new_ids);
    end if;

    return query
    with fresh as (
        select stored.seq, stored.id, given.contact_id, given.status, given.score, given.deal
        from unnest(new_seqs, new_ids) as stored (seq, id)
        join unnest(ids, contacts_of, statuses, scores, deals) as given (id, contact_id, status, score, deal)
            on given.id = stored.id
        where known_ids is null or stored.id <> all (known_ids)
    ), told as (
        insert into admission_facts (contact_id, last_score, first_deal_at)
        select fresh.contact_id, (array_agg(fresh.score order by fresh.seq desc) filter (where fresh.score is not null))[1],
            min(fresh.deal)
        from fresh where fresh.contact_id is not null and (fresh.score is not null or fresh.deal is not null)
        group by fresh.contact_id order by fresh.contact_id
        on conflict (contact_id) do update set
            last_score = coalesce(excluded.last_score, admission_facts.last_score),
            first_deal_at = coalesce(admission_facts.first_deal_at, excluded.first_deal_at)
        where excluded.last_score <> coalesce(admission_facts.last_score, '')
            or (excluded.first_deal_at is not null and admission_facts.first_deal_at is null)
    ), turned as (
        insert into turns (contact_id, head_seq, due_at)
        select fresh.contact_id, min(fresh.seq), batch_now
        from fresh where fresh.contact_id is not null and fresh.status = 'queued'
        group by fresh.contact_id order by fresh.contact_id
        on conflict (contact_id) do nothing
    )
    select fresh.seq, fresh.id from fresh;
end
$$;
