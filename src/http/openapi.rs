//! The OpenAPI documents, and what all operations in them have in common.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;

use super::AppState;
use super::middleware::idempotency;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Latchkey", description = "Onboards customer-owned S3 buckets and KMS keys, and proves that access works with the customer's external ID and is denied without it."),
    modifiers(&BearerToken),
    security(("token" = [])),
    tags(
        (name = "tenants", description = "The vendor's customers"),
        (name = "storage configs", description = "The buckets and keys that customers submit"),
        (name = "verifications", description = "Runs of the checks against a storage config"),
        (name = "invites", description = "Links to the customer's form"),
        (name = "contacts", description = "People at the customer who are notified by mail of what happens to the tenant's storage"),
        (name = "documents", description = "Versions of the documents that customers apply, and campaigns for their update"),
        (name = "webhooks", description = "Notifications to the vendor's own services, following the Standard Webhooks specification"),
        (name = "internal", description = "For the vendor's own services"),
    )
)]
struct Api;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Latchkey for customers",
        description = "Connects your own S3 bucket and KMS key, and proves that access works with your external ID and is denied without it."
    ),
    modifiers(&CustomerBearerToken),
    security(("token" = [])),
    tags(
        (name = "connection", description = "The state of the connection, and how to end it"),
        (name = "documents", description = "The policies and settings to apply in AWS"),
        (name = "storage configs", description = "The bucket and key that you submit"),
        (name = "verifications", description = "Runs of the checks against a storage config"),
    )
)]
struct CustomerApi;

struct BearerToken;

struct CustomerBearerToken;

impl Modify for BearerToken {
    fn modify(&self, openapi: &mut OpenApi) {
        add_bearer(
            openapi,
            "lk_<role>_<secret>",
            "An API token, or a JWT from the vendor's identity provider",
        );
    }
}

impl Modify for CustomerBearerToken {
    fn modify(&self, openapi: &mut OpenApi) {
        add_bearer(openapi, "lkc_<secret>", "The API token of an invite");
    }
}

fn add_bearer(openapi: &mut OpenApi, format: &str, description: &str) {
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format(format)
        .description(Some(description))
        .build();
    openapi
        .components
        .get_or_insert_default()
        .add_security_scheme("token", SecurityScheme::Http(scheme));
}

/// An empty router with the head of the customers' document.
pub(crate) fn customer_router() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(CustomerApi::openapi())
}

/// An empty router with the head of the document.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Api::openapi())
}

/// Adds the responses and parameters that every operation has.
pub(crate) fn complete(openapi: &mut OpenApi) {
    for item in openapi.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        operations.into_iter().flatten().for_each(describe_server_errors);
    }
    idempotency::describe(openapi);
}

/// Server errors are problems as well.
fn describe_server_errors(operation: &mut Operation) {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = ResponseBuilder::new()
        .description("An internal error, or a dependency that does not respond")
        .content("application/problem+json", problem);
    let responses = &mut operation.responses.responses;
    responses.entry("5XX".to_owned()).or_insert_with(|| response.build().into());
}

#[cfg(test)]
mod tests {
    #[test]
    fn operation_ids_are_unique() {
        for (described, at_least) in [(crate::http::openapi(), 30), (crate::http::customer_openapi(), 9)] {
            assert_unique(&described, at_least);
        }
    }

    fn assert_unique(described: &utoipa::openapi::OpenApi, at_least: usize) {
        let operations = described.paths.paths.values().flat_map(|item| {
            [&item.get, &item.post, &item.put, &item.patch, &item.delete]
                .into_iter()
                .flatten()
                .filter_map(|operation| operation.operation_id.clone())
        });
        let mut names: Vec<_> = operations.collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(all > at_least);
    }
}
