//! The events of a verification, read while it goes on.

use latchkey::service::read;

use crate::support::locks::commit_once_waiting;
use crate::support::seed::Seed;
use crate::support::server::TestServer;

const TAKE_BACK: &str = "
    create table last_check as select * from verification_checks order by event desc limit 1;
    delete from verification_checks where event = (select event from last_check);
    create table last_state as select * from verifications;
    update verifications set state = 'running', verdict = null, finished_at = null, last_event = (select event - 1 from last_check)";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_out_when_the_verification_ends_meanwhile() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    let tenant = seed.tenant("acme").await;
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
        "insert into verification_checks select * from last_check",
        "update verifications v set state = l.state, verdict = l.verdict, finished_at = l.finished_at, last_event = l.last_event
         from last_state l",
    ];
    let mut read = commit_once_waiting(&server.pool, &again, events(0)).await;
    if let Some(&last) = read.last() {
        read.extend(events(last).await);
    }
    assert_eq!(read, all, "a reader that resumes after what it got has every event");
}
