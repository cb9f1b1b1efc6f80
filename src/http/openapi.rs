//! The API's description, and what all operations have in common in it.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;

use super::AppState;
use super::conventions::idempotency;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Latchkey", description = "Onboards customer-owned S3 buckets and KMS keys, and proves that access works for you and for nobody else."),
    modifiers(&BearerToken),
    security(("token" = [])),
    tags(
        (name = "tenants", description = "The vendor's customers"),
        (name = "storage configs", description = "What customers submit"),
        (name = "verifications", description = "Proofs that access works for the vendor, and for nobody else"),
        (name = "invites", description = "Links to the customer's form"),
        (name = "webhooks", description = "What the vendor's own services are told, by the Standard Webhooks specification"),
        (name = "internal", description = "For the vendor's own services"),
    )
)]
struct Api;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, openapi: &mut OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("lk_<role>_<secret>")
            .description(Some("An API token, or a JWT of the vendor's identity provider"))
            .build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// Where routes and their descriptions begin.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Api::openapi())
}

/// Adds what every operation may answer or take.
pub fn complete(openapi: &mut OpenApi) {
    for (path, item) in &mut openapi.paths.paths {
        let methods = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in methods {
            if let Some(operation) = operation {
                operation.operation_id = Some(name(method, path));
                tell_of_failures(operation);
            }
        }
    }
    idempotency::describe(openapi);
}

/// A name of its own, of which generators of clients make functions: `get_tenants_tenant`.
fn name(method: &str, path: &str) -> String {
    let parts = path.split(['/', ':']).filter(|part| !part.is_empty() && *part != "v1");
    parts.fold(method.to_owned(), |name, part| {
        name + "_" + &part.trim_matches(['{', '}']).replace('-', "_")
    })
}

/// Whatever breaks or is away on our side is a problem as well.
fn tell_of_failures(operation: &mut Operation) {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = ResponseBuilder::new()
        .description("Something broke on our side, or does not answer right now")
        .content("application/problem+json", problem);
    let told = &mut operation.responses.responses;
    told.entry("5XX".to_owned()).or_insert_with(|| response.build().into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_named_by_its_method_and_path() {
        assert_eq!(
            name("get", "/v1/tenants/{tenant}/storage-configs/{version}"),
            "get_tenants_tenant_storage_configs_version"
        );
        assert_eq!(
            name("post", "/internal/v1/storage-configs:batch"),
            "post_internal_storage_configs_batch"
        );
    }

    #[test]
    fn no_two_operations_have_one_name() {
        let described = crate::http::openapi();
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
        assert!(all > 30);
    }
}
