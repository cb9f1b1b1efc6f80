//! API tokens. Only the result of creating one contains its secret; the database has its hash.

use secrecy::{ExposeSecret, SecretString};
use sqlx::PgConnection;

use super::read::PageStart;
use super::{Caller, Context};
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::identity::Identity;
use crate::domain::ids::{TenantId, TenantRef, TokenId};
use crate::domain::text::{FieldError, is_line};
use crate::domain::token::{Role, Token, TokenHash, TokenLifetime, text_of};
use crate::store::{self, tenants, tokens};

#[derive(Debug, thiserror::Error)]
pub enum CreateTokenError {
    #[error("invalid token")]
    Invalid(Vec<FieldError>),
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// Creates a token for all tenants. Only the result contains its secret.
pub async fn create_token(
    context: &Context,
    caller: &Caller,
    name: &str,
    role: Role,
    lifetime: TokenLifetime,
) -> Result<(Token, SecretString), CreateTokenError> {
    create_limited_token(context, caller, name, role, lifetime, None).await
}

/// The maximum number of tenants that a token can be limited to.
const MOST_TENANTS: usize = 1000;

/// Creates a token that may only read these tenants.
pub async fn create_limited_token(
    context: &Context,
    caller: &Caller,
    name: &str,
    role: Role,
    lifetime: TokenLifetime,
    tenants: Option<&[TenantRef]>,
) -> Result<(Token, SecretString), CreateTokenError> {
    let name = name.trim();
    let mut faults: Vec<FieldError> = fault_of_name(name).into_iter().collect();
    let lifetime = context.limits.lifetime(lifetime).map_err(|fault| faults.push(fault));
    let mut db = store::begin(&context.pool).await?;
    let tenants = match tenants {
        Some(tenants) => Some(limits(&mut db, role, tenants, &mut faults).await?),
        None => None,
    };
    let (Ok(lifetime), true) = (lifetime, faults.is_empty()) else {
        return Err(CreateTokenError::Invalid(faults));
    };
    let now = context.clock.now();
    let text = text_of(role, context.clock.random());
    let token = Token {
        id: context.clock.uuid().into(),
        name: name.to_owned(),
        role,
        created_at: now,
        expires_at: lifetime.map(|lifetime| now + lifetime),
        last_used_at: None,
        revoked_at: None,
        tenants,
    };
    tokens::insert(&mut db, &token, &TokenHash::of(text.expose_secret())).await?;
    let made = AuditChange::made(&token).with(serde_json::json!({"token_id": token.id}));
    context.audit(&mut db, caller, AuditAction::TokenCreated, None, made).await?;
    store::commit(db).await?;
    Ok((token, text))
}

/// The error of a token's name, if it is invalid.
pub fn fault_of_name(name: &str) -> Option<FieldError> {
    let detail = "name must be a single line of 1 to 100 characters, such as billing-service";
    (!is_line(name.trim(), 100)).then(|| FieldError::new("name", "malformed_name", detail))
}

/// Finds the tenants that a token is limited to.
async fn limits(db: &mut PgConnection, role: Role, tenants: &[TenantRef], faults: &mut Vec<FieldError>) -> store::Result<Vec<TenantId>> {
    let mut fault = |field: &str, code, detail: &str| faults.push(FieldError::new(field, code, detail));
    if role != Role::Service {
        fault(
            "tenants",
            "not_a_service_token",
            "only tokens with the role service can be limited to tenants; omit the field",
        );
    }
    if tenants.is_empty() {
        fault("tenants", "required", "name at least one tenant, or omit the field for all tenants");
    }
    if tenants.len() > MOST_TENANTS {
        fault(
            "tenants",
            "too_many",
            "a token can be limited to at most 1000 tenants; omit the field for all tenants",
        );
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for (at, tenant) in tenants.iter().enumerate() {
        match tenants::find(db, tenant).await? {
            Some(tenant) if tenant.facts.may_change().is_ok() => found.push(tenant.id),
            Some(_) => fault(&format!("tenants[{at}]"), "offboarded", "this tenant is offboarded"),
            None => fault(
                &format!("tenants[{at}]"),
                "unknown_tenant",
                "there is no tenant with this ID or slug",
            ),
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// A page of tokens, including expired and revoked ones, newest first.
pub async fn token_list(context: &Context, after: Option<PageStart<TokenId>>, limit: i64) -> store::Result<Vec<Token>> {
    let mut db = context.pool.acquire().await?;
    tokens::list(&mut db, after, limit).await
}

/// The tokens that have to be replaced soon, the first to expire first.
pub async fn expiring_tokens(context: &Context) -> store::Result<Vec<Token>> {
    let mut db = context.pool.acquire().await?;
    tokens::expiring(&mut db, context.clock.now()).await
}

/// Revokes a token. Idempotent. None if there is no token with this ID.
pub async fn revoke_token(context: &Context, caller: &Caller, id: TokenId) -> store::Result<Option<Token>> {
    let mut db = store::begin(&context.pool).await?;
    let Some(before) = tokens::lock(&mut db, id).await? else {
        return Ok(None);
    };
    if before.revoked_at.is_some() {
        return Ok(Some(before));
    }
    let after = tokens::revoke(&mut db, id, context.clock.now()).await?;
    audit_change(context, &mut db, caller, None, &before, &after).await?;
    store::commit(db).await?;
    Ok(Some(after))
}

/// Revokes tokens that are limited to an offboarded tenant, and removes the tenant from tokens that also cover others.
pub(super) async fn end_tenant(context: &Context, db: &mut PgConnection, caller: &Caller, tenant: TenantId) -> store::Result<()> {
    for before in tokens::lock_of_tenant(db, tenant).await? {
        let after = tokens::remove_tenant(db, before.id, tenant, context.clock.now()).await?;
        audit_change(context, db, caller, Some(tenant), &before, &after).await?;
    }
    Ok(())
}

async fn audit_change(
    context: &Context,
    db: &mut PgConnection,
    caller: &Caller,
    tenant: Option<TenantId>,
    before: &Token,
    after: &Token,
) -> store::Result<()> {
    let action = match after.revoked_at {
        Some(_) => AuditAction::TokenRevoked,
        None => AuditAction::TokenNarrowed,
    };
    let difference = AuditChange::between(before, after).with(serde_json::json!({"token_id": before.id}));
    context.audit(db, caller, action, tenant, difference).await
}

/// The identity of a token, if it is valid.
pub async fn identify(context: &Context, text: &SecretString) -> store::Result<Option<Identity>> {
    let now = context.clock.now();
    let mut db = context.pool.acquire().await?;
    let Some(token) = tokens::find_valid(&mut db, &TokenHash::of(text.expose_secret()), now).await? else {
        return Ok(None);
    };
    store::unless_changes_are_refused(tokens::touch(&mut db, token.id, now).await)?;
    Ok(Some(token.into()))
}
