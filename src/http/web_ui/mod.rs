//! Code that the customers' form and the dashboard share: rendering of pages, security headers, and the view of a
//! verification.

pub(crate) mod assets;
pub(crate) mod brand_color;
pub(crate) mod cookies;
pub(crate) mod csrf;
pub(crate) mod fields;
pub(crate) mod labels;
pub(crate) mod status;
pub(crate) mod theme;
pub(crate) mod verification_view;

use askama::Template;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use tracing::error;

pub(crate) use crate::domain::text::capital;
use crate::http::conventions::problem::{Problem, ProblemKind};

/// Only resources from this origin, nothing inline, and no framing.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// Adds security headers, and forbids caching.
pub(crate) fn lock_down(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Makes the browser use https for this host from now on. Browsers ignore it in a response over http.
pub(crate) fn require_https(headers: &mut HeaderMap) {
    headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
}

/// Renders a page as a response.
pub(crate) fn render(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            error!(%error, "failed to render a page");
            Problem::new(
                ProblemKind::Internal,
                "The page cannot be shown. The error was logged under this request's ID.",
            )
            .into_response()
        }
    }
}

/// A field error as a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let text = capital(text);
    if text.ends_with(['.', '!', '?']) { text } else { text + "." }
}
