//! A service that changes a tenant decides on the tenant as it is under its lock, not as it was before it waited for it.

use std::future::Future;

use futures::future::LocalBoxFuture;
use latchkey::domain::access_level::AccessLevel;
use latchkey::domain::approval::ApprovalState;
use latchkey::domain::audit::AuditReason;
use latchkey::domain::campaign::CampaignMessage;
use latchkey::domain::document_version::GrantKind;
use latchkey::domain::external_id::ExternalId;
use latchkey::domain::ids::{StorageConfigId, TenantId, TenantRef};
use latchkey::domain::invite::{InviteState, InviteToken};
use latchkey::domain::storage_config::Mode;
use latchkey::domain::submission::Submission;
use latchkey::domain::tenant::{IllegalChange, TenantFilter};
use latchkey::domain::verification::Trigger;
use latchkey::service::approve_change::{ApproveChangeError, approve, decline};
use latchkey::service::campaigns::{self, NewCampaign};
use latchkey::service::change_tenant::{ChangeTenantError, TenantChange, change_tenant};
use latchkey::service::create_api_token::{CreateApiTokenError, create_api_token};
use latchkey::service::create_invite::{CreateInviteError, NewInvite, create_invite};
use latchkey::service::document_versions;
use latchkey::service::end_invite_session::end_invite_session;
use latchkey::service::mail::contacts::{self, ContactError, ContactFields};
use latchkey::service::mail::links;
use latchkey::service::mail::send::claim;
use latchkey::service::request_verification::{RequestVerificationError, queue_scheduled, request_verification};
use latchkey::service::revoke_invite::revoke_invite;
use latchkey::service::revoke_sessions::revoke_sessions;
use latchkey::service::rotate_external_id::{self, RotateExternalIdError};
use latchkey::service::submit_config::{SubmitConfigError, submit_config};
use latchkey::service::tenant_lifecycle::{self, LifecycleError};
use latchkey::service::{Caller, Context, read};
use latchkey::store::probe_objects::LeftInBucket;
use latchkey::store::{tenants, verifications};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::locks;
use crate::support::relay::TestRelay;
use crate::support::seed::Seed;
use crate::support::server::TestServer;

const OFFBOARD: &str = "update tenants set offboarded_at = now() where slug = 'acme'";

fn acme() -> TenantRef {
    "acme".parse().expect("a slug")
}

fn reason() -> AuditReason {
    AuditReason::parse("a test").expect("a reason")
}

fn submission() -> Submission {
    Submission {
        mode: Some("direct".into()),
        bucket_arn: Some("arn:aws:s3:::acme-documents".into()),
        bucket_region: Some("us-east-1".into()),
        key_arn: Some("arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab".into()),
        bucket_account_id: Some("222222222222".into()),
        ..Submission::default()
    }
}

/// A server with a tenant, `acme`, that has a submitted config and no queue that works on it.
async fn tenant() -> (TestServer, Context) {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let context = server.context.clone();
    (server, context)
}

/// Runs `change` in a transaction that holds the tenant's lock, starts `service`, and commits once the service waits.
fn while_locked<'a, T: 'a>(pool: &'a PgPool, change: &'a str, service: impl Future<Output = T> + 'a) -> LocalBoxFuture<'a, T> {
    Box::pin(async move {
        let statements = ["select id from tenants where slug = 'acme' for update", change];
        locks::commit_once_waiting(pool, &statements, service).await
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_submitted_to_a_tenant_that_is_offboarded_meanwhile() {
    let (server, context) = tenant().await;
    let (caller, acme, submission) = (Caller::operator(), acme(), submission());
    let submitted = submit_config(&context, &caller, &acme, &submission);
    let result = while_locked(&server.pool, OFFBOARD, submitted).await;
    assert!(matches!(result, Err(SubmitConfigError::Offboarded)), "{result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_contact_is_added_changed_or_written_to_once_the_tenant_is_offboarded_meanwhile() {
    let relay = TestRelay::start().await;
    for operation in ["add", "change", "confirmation", "invite"] {
        let server = TestServer::builder().mail(relay.mailer()).start().await;
        server.create_tenant("acme").await;
        let (context, caller, acme) = (server.context.clone(), Caller::operator(), acme());
        let fields = |email: &str| ContactFields {
            name: Some("Jo".into()),
            email: Some(email.into()),
            ..ContactFields::default()
        };
        let existing = contacts::add(&context, &caller, &acme, &fields("jo@acme.example"))
            .await
            .expect("a contact");
        let other = fields("al@acme.example");
        let changing = async {
            match operation {
                "add" => contacts::add(&context, &caller, &acme, &other).await,
                "change" => contacts::change(&context, &caller, &acme, existing.id, &other).await,
                "confirmation" => contacts::request_confirmation(&context, &caller, &acme, existing.id).await,
                _ => contacts::request_invite(&context, &caller, &acme, existing.id, None).await,
            }
        };
        let result = while_locked(&server.pool, OFFBOARD, changing).await;
        assert!(matches!(result, Err(ContactError::Offboarded)), "{operation}: {result:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_tenant_is_notified_by_a_campaign_once_it_is_offboarded_meanwhile() {
    let relay = TestRelay::start().await;
    let server = TestServer::builder().mail(relay.mailer()).start().await;
    server.create_tenant("acme").await;
    let context = server.context.clone();
    let tenant = activate(&server, &context).await;
    sqlx::query(
        "insert into contacts (id, tenant_id, name, email, created_at, confirmed_at) values (gen_random_uuid(), $1, 'Jo', 'jo@acme.example', now(), now())",
    )
    .bind(tenant.as_uuid())
    .execute(&server.pool)
    .await
    .expect("a contact");
    // As if it had been verified against earlier documents.
    let forget = "update config_documents set verified = null, verified_at = null";
    sqlx::query(forget).execute(&server.pool).await.expect("the documents are outdated");
    let new = NewCampaign {
        version: None,
        filter: TenantFilter::default(),
        message: CampaignMessage::parse("A test.").expect("a message"),
        deadline: None,
    };
    let campaign = campaigns::start(&context, &Caller::operator(), new).await.expect("a campaign").id;
    campaigns::advance(&context, campaign).await.expect("tenants are enrolled");
    while_locked(&server.pool, OFFBOARD, campaigns::advance(&context, campaign))
        .await
        .expect("the step is done");
    let queued: i64 = sqlx::query_scalar("select count(*) from mails where kind = 'documents_changed'")
        .fetch_one(&server.pool)
        .await
        .expect("mails are counted");
    assert_eq!(queued, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_proven_of_the_tenant_as_it_is_under_its_lock() {
    let (server, context) = tenant().await;
    let tenant = activate(&server, &context).await;
    let config: Uuid = sqlx::query_scalar("select config_id from active_configs")
        .fetch_one(&server.pool)
        .await
        .expect("the active version is read");
    let forget = "update config_documents set verified = null, verified_at = null";
    sqlx::query(forget).execute(&server.pool).await.expect("nothing is proven");
    let kind = GrantKind {
        mode: Mode::Direct,
        level: AccessLevel::ReadWrite,
    };
    let by_another = "update config_documents set verified = 7, verified_at = now()";
    while_locked(
        &server.pool,
        by_another,
        document_versions::prove(&context, tenant, config.into(), kind),
    )
    .await
    .expect("the proof is recorded");
    let verified: Option<i32> = sqlx::query_scalar("select verified from config_documents")
        .fetch_one(&server.pool)
        .await
        .expect("the proof is read");
    assert_eq!(verified, Some(7), "a lower number does not replace a higher one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_a_mail_does_nothing_once_its_contact_is_removed_meanwhile() {
    let relay = TestRelay::start().await;
    let remove = "delete from contacts where tenant_id = (select id from tenants where slug = 'acme')";
    for operation in ["confirm", "stop", "resume", "remove"] {
        let server = TestServer::builder().mail(relay.mailer()).start().await;
        server.create_tenant("acme").await;
        let (context, caller, acme) = (server.context.clone(), Caller::operator(), acme());
        let fields = ContactFields {
            name: Some("Jo".into()),
            email: Some("jo@acme.example".into()),
            ..ContactFields::default()
        };
        let contact = contacts::add(&context, &caller, &acme, &fields).await.expect("a contact");
        let mail: uuid::Uuid = sqlx::query_scalar("select id from mails")
            .fetch_one(&server.pool)
            .await
            .expect("a mail");
        let claimed = claim(&context, mail.into()).await.expect("the mail is claimed").expect("it is due");
        let letter = claimed.letter.expect("mail is on").text;
        let token = |path: &str| {
            let link = letter.lines().find(|line| line.contains(path)).expect("a link");
            InviteToken::from_text(link.rsplit('/').next().expect("a secret"))
        };
        let (confirm, stop) = (token("/mail/confirm/"), token("/mail/stop/"));
        if operation == "resume" {
            links::stop(&context, &caller, &stop).await.expect("mail is stopped");
        }
        let acting = async {
            match operation {
                "confirm" => links::confirm(&context, &caller, &confirm).await.is_err(),
                "stop" => links::stop(&context, &caller, &stop).await.is_err(),
                "resume" => links::resume(&context, &caller, &stop).await.is_err(),
                _ => contacts::remove(&context, &caller, &acme, contact.id).await.is_err(),
            }
        };
        assert!(while_locked(&server.pool, remove, acting).await, "{operation}");
    }
}

/// The sender decides under the lock, too: an invite must not be made for a tenant that has ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_not_sent_once_the_tenant_is_offboarded_meanwhile() {
    let relay = TestRelay::start().await;
    let server = TestServer::builder().mail(relay.mailer()).start().await;
    server.create_tenant("acme").await;
    let fields = ContactFields {
        name: Some("Jo".into()),
        email: Some("jo@acme.example".into()),
        ..ContactFields::default()
    };
    contacts::add(&server.context, &Caller::operator(), &acme(), &fields)
        .await
        .expect("a contact");
    let mail: uuid::Uuid = sqlx::query_scalar("select id from mails")
        .fetch_one(&server.pool)
        .await
        .expect("a mail");
    let claiming = claim(&server.context, mail.into());
    let claimed = while_locked(&server.pool, OFFBOARD, claiming).await.expect("the mail is read");
    assert!(claimed.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_is_validated_against_the_modes_that_are_offered_by_then() {
    let (server, context) = tenant().await;
    let (caller, acme, submission) = (Caller::operator(), acme(), submission());
    let submitted = submit_config(&context, &caller, &acme, &submission);
    let change = "update tenants set modes = array['assume_role'] where slug = 'acme'";
    let result = while_locked(&server.pool, change, submitted).await;
    let Err(SubmitConfigError::Invalid(errors)) = result else {
        panic!("{result:?}");
    };
    assert_eq!(errors[0].field, "mode");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_verification_is_queued_for_a_tenant_that_is_offboarded_meanwhile() {
    let (server, context) = tenant().await;
    let (caller, acme) = (Caller::operator(), acme());
    submit_config(&context, &caller, &acme, &submission())
        .await
        .expect("a config is submitted");
    let requested = request_verification(&context, &caller, &acme, None);
    let result = while_locked(&server.pool, OFFBOARD, requested).await;
    assert!(matches!(result, Err(RequestVerificationError::Offboarded)), "{result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_begins_meanwhile_is_what_the_verification_proves() {
    let (server, context) = tenant().await;
    let (caller, acme) = (Caller::operator(), acme());
    activate(&server, &context).await;
    let requested = request_verification(&context, &caller, &acme, None);
    let change = "update tenants set next_external_id = 'lk-00000000000000000000000000000000000000ff' where slug = 'acme'";
    let verification = while_locked(&server.pool, change, requested)
        .await
        .expect("a verification is queued");
    assert_eq!(verification.trigger, Trigger::Rotation);
}

/// The storage config that is scheduled to be verified again.
async fn scheduled(server: &TestServer) -> StorageConfigId {
    let id: Uuid = sqlx::query_scalar("select config_id from reverifications")
        .fetch_one(&server.pool)
        .await
        .expect("one is scheduled");
    id.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offboarded_tenant_is_not_verified_again() {
    let (server, context) = tenant().await;
    let tenant = activate(&server, &context).await;
    reject(&server, &context).await;
    let config = scheduled(&server).await;
    let is_queued = while_locked(
        &server.pool,
        OFFBOARD,
        queue_scheduled(&context, tenant, config, LeftInBucket::default()),
    )
    .await;
    assert!(!is_queued.expect("nothing fails"));
    assert_eq!(waiting(&server.pool, tenant).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_scheduled_verification_is_queued_at_a_time() {
    let (server, context) = tenant().await;
    let tenant = activate(&server, &context).await;
    reject(&server, &context).await;
    let config = scheduled(&server).await;
    let is_queued = while_locked(
        &server.pool,
        "select",
        queue_scheduled(&context, tenant, config, LeftInBucket::default()),
    )
    .await;
    assert!(is_queued.expect("a verification is queued"));
    assert_eq!(waiting(&server.pool, tenant).await, 1);
    assert!(
        !queue_scheduled(&context, tenant, config, LeftInBucket::default())
            .await
            .expect("nothing fails"),
        "one is queued"
    );
    assert_eq!(waiting(&server.pool, tenant).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_invite_is_created_for_a_tenant_that_is_offboarded_meanwhile() {
    let (server, context) = tenant().await;
    let (caller, acme) = (Caller::operator(), acme());
    let result = while_locked(
        &server.pool,
        OFFBOARD,
        create_invite(&context, &caller, &acme, NewInvite::default()),
    )
    .await;
    assert!(matches!(result, Err(CreateInviteError::Offboarded)), "{:?}", result.err());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_api_token_is_created_for_an_invite_that_ends_meanwhile() {
    for (change, is_offboarded) in [(OFFBOARD, true), ("update invites set revoked_at = now()", false)] {
        let (server, context) = tenant().await;
        let (caller, acme) = (Caller::operator(), acme());
        let invite = create_invite(&context, &caller, &acme, NewInvite::default())
            .await
            .expect("an invite is created")
            .invite;
        let result = while_locked(&server.pool, change, create_api_token(&context, &caller, &acme, invite.id)).await;
        let error = result.expect_err("no token is created");
        let expected = if is_offboarded {
            matches!(error, CreateApiTokenError::Offboarded)
        } else {
            matches!(error, CreateApiTokenError::InviteEnded(InviteState::Revoked))
        };
        assert!(expected, "{error:?}");
        assert_eq!(audited(&server.pool, "invite.api_token_created").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_invite_is_not_audited_again() {
    let (server, context) = tenant().await;
    let (caller, acme) = (Caller::operator(), acme());
    let invite = create_invite(&context, &caller, &acme, NewInvite::default())
        .await
        .expect("an invite is created")
        .invite;
    let change = "update invites set revoked_at = now()";
    while_locked(&server.pool, change, revoke_invite(&context, &caller, &acme, invite.id))
        .await
        .expect("a revoked invite can be revoked");
    assert_eq!(audited(&server.pool, "invite.revoked").await, 0, "the other transaction revoked it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_decided_meanwhile_is_not_decided_again() {
    for approves in [true, false] {
        let (server, context) = tenant().await;
        let tenant = activate(&server, &context).await;
        Seed::new(&server).submit_in(tenant.as_uuid(), "333333333333").await;
        let (caller, acme, reason) = (Caller::operator(), acme(), reason());
        let change = "update approvals set state = 'declined', decided_at = now()";
        let result = if approves {
            let decided = approve(&context, &caller, &acme, 2, &reason);
            while_locked(&server.pool, change, decided).await.map(drop)
        } else {
            let decided = decline(&context, &caller, &acme, 2, &reason);
            while_locked(&server.pool, change, decided).await.map(drop)
        };
        assert!(
            matches!(result, Err(ApproveChangeError::NotPending(Some(ApprovalState::Declined)))),
            "{result:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_ended_meanwhile_is_not_audited_again() {
    let (server, context) = tenant().await;
    let (caller, acme) = (Caller::operator(), acme());
    let invite = create_invite(&context, &caller, &acme, NewInvite::default())
        .await
        .expect("an invite is created")
        .invite;
    let session: uuid::Uuid = sqlx::query_scalar(
        "insert into invite_sessions (id, invite_id, kind, hash, created_at, last_used_at)
         values (gen_random_uuid(), $1, 'browser', sha256('x'), now(), now()) returning id",
    )
    .bind(invite.id.as_uuid())
    .fetch_one(&server.pool)
    .await
    .expect("a session is inserted");
    let change = "update invite_sessions set ended_at = now()";
    let ended = end_invite_session(&context, &caller, &acme, invite.id, session.into());
    while_locked(&server.pool, change, ended)
        .await
        .expect("an ended session can be ended");
    assert_eq!(audited(&server.pool, "invite.session_ended").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_is_offboarded_meanwhile_is_not_suspended() {
    let (server, context) = tenant().await;
    let (caller, acme, reason) = (Caller::operator(), acme(), reason());
    let result = while_locked(&server.pool, OFFBOARD, tenant_lifecycle::suspend(&context, &caller, &acme, &reason)).await;
    assert!(
        matches!(result, Err(LifecycleError::Illegal(IllegalChange::Offboarded))),
        "{result:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_is_offboarded_meanwhile_is_not_resumed() {
    let (server, context) = tenant().await;
    let (caller, acme, reason) = (Caller::operator(), acme(), reason());
    tenant_lifecycle::suspend(&context, &caller, &acme, &reason)
        .await
        .expect("the tenant is suspended");
    let result = while_locked(&server.pool, OFFBOARD, tenant_lifecycle::resume(&context, &caller, &acme, &reason)).await;
    assert!(
        matches!(result, Err(LifecycleError::Illegal(IllegalChange::Offboarded))),
        "{result:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_erased_once() {
    let (server, context) = tenant().await;
    let (caller, reason) = (Caller::operator(), reason());
    let tenant = read::tenants::find(&context, &acme()).await.expect("the tenant is read");
    let id = TenantRef::Id(tenant.expect("the tenant is there").id);
    tenant_lifecycle::offboard(&context, &caller, &id, &reason)
        .await
        .expect("the tenant is offboarded");
    let change = "select erase_tenant(id, now()) from tenants";
    while_locked(&server.pool, change, tenant_lifecycle::erase(&context, &caller, &id, &reason))
        .await
        .expect("an erased tenant can be erased");
    assert_eq!(audited(&server.pool, "tenant.erased").await, 0, "the other transaction erased it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_id_that_comes_into_use_meanwhile_is_not_abandoned() {
    let (server, context) = tenant().await;
    let (caller, acme) = (Caller::operator(), acme());
    activate(&server, &context).await;
    rotate_external_id::rotate(&context, &caller, &acme)
        .await
        .expect("an external ID is issued");
    let change = "update tenants set previous_external_id = external_id, external_id = next_external_id, next_external_id = null";
    let result = while_locked(&server.pool, change, rotate_external_id::abandon(&context, &caller, &acme)).await;
    assert!(matches!(result, Err(RotateExternalIdError::NothingIssued)), "{result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_previous_external_id_is_retired_once() {
    let (server, context) = tenant().await;
    let (caller, acme) = (Caller::operator(), acme());
    let tenant = activate(&server, &context).await;
    let overlap = "update tenants set previous_external_id = 'lk-00000000000000000000000000000000000000ff'";
    sqlx::query(overlap).execute(&server.pool).await.expect("a rotation is in progress");
    let change = "update tenants set previous_external_id = null";
    let result = while_locked(&server.pool, change, rotate_external_id::end_previous(&context, &caller, &acme)).await;
    assert!(matches!(result, Err(RotateExternalIdError::NoPrevious)), "{result:?}");
    assert_eq!(waiting(&server.pool, tenant).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_offboarded_once() {
    let (server, context) = tenant().await;
    let (caller, acme, reason) = (Caller::operator(), acme(), reason());
    let result = while_locked(
        &server.pool,
        OFFBOARD,
        tenant_lifecycle::offboard(&context, &caller, &acme, &reason),
    )
    .await;
    assert!(
        matches!(result, Err(LifecycleError::Illegal(IllegalChange::Offboarded))),
        "{result:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_external_id_of_a_tenant_that_is_offboarded_meanwhile_is_not_rotated() {
    let (server, context) = tenant().await;
    let (caller, acme) = (Caller::operator(), acme());
    let result = while_locked(&server.pool, OFFBOARD, rotate_external_id::rotate(&context, &caller, &acme)).await;
    assert!(
        matches!(result, Err(RotateExternalIdError::Illegal(IllegalChange::Offboarded))),
        "{result:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_is_offboarded_meanwhile_is_not_changed() {
    let (server, context) = tenant().await;
    let (caller, acme) = (Caller::operator(), acme());
    let change = TenantChange {
        name: Some("Another name".into()),
        ..TenantChange::default()
    };
    let changed = change_tenant(&context, &caller, &acme, &change, |_| Ok::<_, ()>(()));
    let result = while_locked(&server.pool, OFFBOARD, changed).await;
    assert!(
        matches!(result, Err(ChangeTenantError::Illegal(IllegalChange::Offboarded))),
        "{:?}",
        result.err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sessions_are_revoked_of_a_tenant_that_is_offboarded_meanwhile() {
    let (server, context) = tenant().await;
    let (caller, acme) = (Caller::operator(), acme());
    let revoked = revoke_sessions(&context, &caller, &acme);
    let result = while_locked(&server.pool, OFFBOARD, revoked).await;
    assert!(result.expect("there is nothing to do").facts.offboarded_at.is_some());
    assert_eq!(audited(&server.pool, "tenant.sessions_revoked").await, 0);
}

/// The lock is on the tenant that has the slug when the wait is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_slug_that_another_tenant_takes_meanwhile_leads_to_that_tenant() {
    let (server, context) = tenant().await;
    let (caller, acme) = (Caller::operator(), acme());
    let change = "do $$ begin
        update tenants set offboarded_at = now() where slug = 'acme';
        insert into tenants (id, slug, name, modes, external_id, created_at, status_since)
        values (gen_random_uuid(), 'acme', 'Another Acme', array['direct'], 'lk-00000000000000000000000000000000000000aa', now(), now());
    end $$";
    let invite = while_locked(&server.pool, change, create_invite(&context, &caller, &acme, NewInvite::default()))
        .await
        .expect("the other tenant can be invited")
        .invite;
    let name: String = sqlx::query_scalar("select name from tenants where id = $1")
        .bind(invite.tenant_id.as_uuid())
        .fetch_one(&server.pool)
        .await
        .expect("the invite's tenant is read");
    assert_eq!(name, "Another Acme");
}

async fn activate(server: &TestServer, context: &Context) -> TenantId {
    let found = read::tenants::find(context, &acme()).await.expect("the tenant is read");
    let tenant = found.expect("the tenant is there").id;
    Seed::new(server).activate(tenant.as_uuid()).await;
    tenant
}

/// A first rejection of the active version, because AWS grants access with another external ID.
async fn reject(server: &TestServer, context: &Context) {
    let requested = request_verification(context, &Caller::operator(), &acme(), None).await;
    let verification = requested.expect("a verification is queued").id;
    let another = ExternalId::parse("lk-00000000000000000000000000000000000000ff").expect("an external ID");
    let verified = Seed::new(server).try_verify(verification, &another).await;
    verified.expect("the verification runs");
}

async fn waiting(pool: &PgPool, tenant: TenantId) -> usize {
    let mut db = pool.acquire().await.expect("a connection");
    let found = tenants::find(&mut db, &TenantRef::Id(tenant)).await.expect("the tenant is read");
    assert!(found.is_some());
    verifications::unfinished(&mut db, tenant)
        .await
        .expect("verifications are read")
        .len()
}

async fn audited(pool: &PgPool, action: &str) -> i64 {
    sqlx::query_scalar("select count(*) from audit_events where action = $1")
        .bind(action)
        .fetch_one(pool)
        .await
        .expect("the audit log is read")
}
