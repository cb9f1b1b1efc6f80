//! The events of a verification, read while it goes on.

use latchkey::service::read;

use crate::support::locks::commit_once_waiting;
use crate::support::seed::Seed;
use crate::support::server::TestServer;

/// Rows are removed when they are in the verification's record.
const COPY: &str = "
    create table copied_checks (like verification_checks);
    create table copied_attempts (like verification_attempts);
    create function copy_row() returns trigger language plpgsql as $$
    begin
        execute format('insert into %I select ($1).*', replace(tg_table_name, 'verification', 'copied')) using new;
        return null;
    end
    $$;
    create trigger copy after insert on verification_checks for each row execute function copy_row();
    create trigger copy after insert on verification_attempts for each row execute function copy_row()";

const TAKE_BACK: &str = "
    drop trigger copy on verification_checks;
    drop trigger copy on verification_attempts;
    delete from verification_checks;
    insert into verification_attempts select * from copied_attempts;
    insert into verification_checks select * from copied_checks where event < (select max(event) from copied_checks);
    create table last_state as select * from verifications;
    update verifications set state = 'running', verdict = null, finished_at = null, record = null,
        last_event = (select max(event) from verification_checks)";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_out_when_the_verification_ends_meanwhile() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    let tenant = seed.tenant("acme").await;
    sqlx::raw_sql(COPY).execute(&server.pool).await.expect("rows are copied");
    let (_, id) = seed.try_submit(tenant).await.expect("the config is submitted");
    let external_id = seed.find(tenant).await.external_id;
    seed.try_verify(id, &external_id).await.expect("the verification runs");
    let events = async |after| {
        let events = read::verifications::events_after(&server.context, id, after).await;
        let numbers = events.expect("events are read").into_iter().map(|(number, _)| number);
        numbers.collect::<Vec<i32>>()
    };
    let all = events(0).await;
    assert_eq!(all, (1..=all[all.len() - 1]).collect::<Vec<_>>());

    sqlx::raw_sql(TAKE_BACK)
        .execute(&server.pool)
        .await
        .expect("the last check and the end are taken back");
    let again = [
        "lock table verifications in access exclusive mode",
        "delete from verification_attempts",
        "delete from verification_checks",
        "update verifications v
         set state = l.state, verdict = l.verdict, finished_at = l.finished_at, last_event = l.last_event, record = l.record
         from last_state l",
    ];
    let mut read = commit_once_waiting(&server.pool, &again, events(0)).await;
    if let Some(&last) = read.last() {
        read.extend(events(last).await);
    }
    assert_eq!(read, all, "a reader that resumes after what it got has every event");
}
