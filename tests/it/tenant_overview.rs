//! The facts that a tenant's status is derived from, and the stored copy of the status, for every combination of facts.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use latchkey::domain::ids::{TenantId, TenantRef};
use latchkey::domain::tenant::{ActiveFacts, TenantFacts, TenantStatus};
use latchkey::domain::verification::{Verdict, VerificationState};
use latchkey::store::migrations::MIGRATIONS;
use latchkey::store::tenants::{self, Refreshed};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use uuid::Uuid;

use crate::support::database::empty_database;

type Newest = Option<(VerificationState, Option<Verdict>)>;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn every_combination() -> Vec<TenantFacts> {
    let finished = |verdict| Some((VerificationState::Finished, Some(verdict)));
    let newest: [Newest; 6] = [
        None,
        Some((VerificationState::Queued, None)),
        Some((VerificationState::Running, None)),
        finished(Verdict::Verified),
        finished(Verdict::Rejected),
        finished(Verdict::Inconclusive),
    ];
    let rejections = [None, Some((10, 10)), Some((10, 69)), Some((10, 70))];
    let rejected = rejections.map(|rejections| (rejections, None));
    // The first of the rejections is for a breach, or both are.
    let breached = [Some((10, 10)), Some((10, 11))].map(|breaches| (Some((10, 11)), breaches));
    let both = |both: Option<(i64, i64)>| both.map(|(first, last)| (at(first), at(last)));
    let active = rejected.into_iter().chain(breached).map(|(rejections, breaches)| {
        Some(ActiveFacts {
            version: 1,
            rejections: both(rejections),
            breaches: both(breaches),
        })
    });
    let active: Vec<_> = active.collect();
    let mut combinations = Vec::new();
    for offboarded_at in [None, Some(at(5))] {
        for suspended_at in [None, Some(at(4))] {
            for active in active.iter().cloned().chain([None]) {
                for newest in newest {
                    combinations.push(TenantFacts {
                        offboarded_at,
                        suspended_at,
                        active: active.clone(),
                        newest,
                    });
                }
            }
        }
    }
    combinations
}

struct Seeded<'a> {
    db: &'a mut PgConnection,
    tenant: Uuid,
    config: Uuid,
}

impl Seeded<'_> {
    async fn verification(&mut self, trigger: &str, created_at: DateTime<Utc>, state: VerificationState, verdict: Option<Verdict>) {
        let (state, verdict): (&str, Option<&str>) = (state.into(), verdict.map(Into::into));
        let finished_at = verdict.map(|_| created_at);
        sqlx::query(
            "insert into verifications (id, tenant_id, config_id, trigger, state, verdict, created_at, started_at, finished_at)
             values (gen_random_uuid(), $1, $2, $3, $4, $5, $6, $6, $7)",
        )
        .bind(self.tenant)
        .bind(self.config)
        .bind(trigger)
        .bind(state)
        .bind(verdict)
        .bind(created_at)
        .bind(finished_at)
        .execute(&mut *self.db)
        .await
        .unwrap();
    }

    async fn tenant(&mut self, facts: &TenantFacts) {
        sqlx::query(
            "insert into tenants (id, slug, name, modes, external_id, created_at, suspended_at, offboarded_at)
             values ($1, 't-' || $1::text, 'x', '{direct}', $1::text, $2, $3, $4)",
        )
        .bind(self.tenant)
        .bind(at(0))
        .bind(facts.suspended_at)
        .bind(facts.offboarded_at)
        .execute(&mut *self.db)
        .await
        .unwrap();
        if facts.active.is_none() && facts.newest.is_none() {
            return;
        }
        sqlx::query(
            "insert into storage_configs (id, tenant_id, version, mode, bucket_arn, bucket_account_id, region, key_arn, created_at)
             values ($1, $2, 1, 'direct', $1::text, '222222222222', 'eu-central-1', '', $3)",
        )
        .bind(self.config)
        .bind(self.tenant)
        .bind(at(0))
        .execute(&mut *self.db)
        .await
        .unwrap();
        let Some(active) = &facts.active else { return };
        sqlx::query(
            "insert into active_configs (tenant_id, config_id, location, activated_at, verified_at) values ($1, $2, $2::text || '/', $3, $3)",
        )
        .bind(self.tenant)
        .bind(self.config)
        .bind(at(1))
        .execute(&mut *self.db)
        .await
        .unwrap();
        // A rejection before the version was verified does not count.
        self.rejection(at(0), true).await;
        if let Some((first, last)) = active.rejections {
            let is_breach = |at| active.breaches.is_some_and(|(first, last)| at == first || at == last);
            self.rejection(first, is_breach(first)).await;
            self.rejection(last, is_breach(last)).await;
        }
    }

    async fn rejection(&mut self, finished_at: DateTime<Utc>, is_breach: bool) {
        self.verification("scheduled", finished_at, VerificationState::Finished, Some(Verdict::Rejected))
            .await;
        sqlx::query("update verifications set is_breach = $3 where config_id = $1 and finished_at = $2")
            .bind(self.config)
            .bind(finished_at)
            .bind(is_breach)
            .execute(&mut *self.db)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn the_stored_status_is_that_of_the_facts() {
    let url = empty_database().await;
    let mut db = PgConnectOptions::from_str(&url).unwrap().connect().await.unwrap();
    MIGRATIONS.run(&mut db).await.unwrap();
    for mut facts in every_combination() {
        let (tenant, config) = (Uuid::new_v4(), Uuid::new_v4());
        let mut seeded = Seeded {
            db: &mut db,
            tenant,
            config,
        };
        seeded.tenant(&facts).await;
        if let Some((state, verdict)) = facts.newest {
            // The newest verification is of another version than the active one, so its verdict is not about that.
            if facts.active.is_some() {
                seeded.config = second_version(seeded.db, tenant).await;
            }
            seeded.verification("submission", at(3_600), state, verdict).await;
            // Neither of these counts.
            let superseded = Some(Verdict::Superseded);
            seeded
                .verification("manual", at(7_200), VerificationState::Finished, superseded)
                .await;
            seeded.config = config;
            seeded
                .verification("rotation", at(7_200), VerificationState::Finished, Some(Verdict::Rejected))
                .await;
        } else if facts.active.is_some() {
            facts.newest = Some((VerificationState::Finished, Some(Verdict::Rejected)));
        }

        let id = TenantId::from(tenant);
        let found = tenants::find(&mut db, &TenantRef::Id(id)).await.unwrap().unwrap();
        assert_eq!(found.facts, facts);

        let expected = facts.status();
        let changed = match tenants::refresh_overview(&mut db, id).await.unwrap() {
            Refreshed::Same { .. } => None,
            Refreshed::Changed { tenant, before } => Some((before, tenant.status())),
        };
        assert_eq!(
            changed,
            (expected != TenantStatus::Invited).then_some((TenantStatus::Invited, expected)),
            "{facts:?}"
        );
        let stored: String = sqlx::query_scalar("select status from tenants where id = $1")
            .bind(tenant)
            .fetch_one(&mut db)
            .await
            .unwrap();
        assert_eq!(stored, expected.to_string(), "{facts:?}");
    }
}

async fn second_version(db: &mut PgConnection, tenant: Uuid) -> Uuid {
    sqlx::query_scalar(
        "insert into storage_configs (id, tenant_id, version, mode, bucket_arn, bucket_account_id, region, key_arn, created_at)
         values (gen_random_uuid(), $1, 2, 'direct', '', '222222222222', 'eu-central-1', '', $2) returning id",
    )
    .bind(tenant)
    .bind(at(0) + TimeDelta::hours(1))
    .fetch_one(db)
    .await
    .unwrap()
}
