//! `/sign-in`: exchanges an API token for a session.

use askama::Template;
use axum::extract::{Query, Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tracing::warn;

use crate::http::AppState;
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::http::conventions::request_id::RequestId;
use crate::http::dashboard::shared::layout::Layout;
use crate::http::dashboard::shared::notice::Notice;
use crate::http::dashboard::shared::session::{self, COOKIE};
use crate::http::middleware::client_address::network;
use crate::http::web_ui::render;
use crate::service::sign_in::{LONGEST, SignInError, sign_in};

#[derive(Debug, Deserialize)]
pub(crate) struct PageQuery {
    #[serde(default)]
    next: String,
    done: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SignIn {
    #[serde(default)]
    token: String,
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "dashboard/pages/sign_in.html")]
struct Page<'a> {
    frame: Layout<'a>,
    next: &'a str,
    fault: Option<&'static str>,
}

/// Where to go after signing in: always a page of this dashboard, whatever was requested.
fn local(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\');
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic());
    if is_path && is_plain && !next.starts_with("/sign-") {
        next
    } else {
        "/"
    }
}

/// The page to return to: the requested one, or the one that a form post belongs to.
pub(crate) fn return_path(method: &Method, uri: &Uri) -> String {
    if method == Method::GET {
        return uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    }
    let parts: Vec<&str> = uri.path().split('/').collect();
    match parts.as_slice() {
        ["", "tenants", tenant, ..] => format!("/tenants/{tenant}"),
        ["", first, ..] => format!("/{first}"),
        _ => "/".to_owned(),
    }
}

/// Redirects to the sign-in page, which returns to this one.
pub(crate) fn go(back: &str) -> Redirect {
    match local(back) {
        "/" => Redirect::to("/sign-in"),
        back => Redirect::to(&format!("/sign-in?next={}", utf8_percent_encode(back, NON_ALPHANUMERIC))),
    }
}

pub(crate) async fn page(State(state): State<AppState>, Query(query): Query<PageQuery>, request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let next = local(&query.next);
    // Users without another way to sign in may have a token.
    if let Ok(Some(_)) = session::find(&parts, &state).await {
        return Ok(Redirect::to(next).into_response());
    }
    let frame = Layout {
        notice: Notice::of(query.done.as_deref()),
        ..Layout::without_session(&state, "Sign in")
    };
    Ok(render(&Page { frame, next, fault: None }))
}

pub(crate) async fn handle(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let address = state.client(request.extensions(), request.headers());
    state.dashboard.sign_ins.check(&network(address)).map_err(|wait| {
        let detail = format!("Too many attempts. Try again in {} seconds.", wait.seconds);
        Problem::new(ProblemKind::TooManyRequests, detail).retry_after(wait.seconds)
    })?;
    let secure = session::is_secure(request.headers());
    // A browser would not store the cookie, and anyone on the network path could read the token.
    let over_http = request
        .headers()
        .get(header::ORIGIN)
        .is_some_and(|origin| origin.as_bytes().starts_with(b"http:"));
    let origin = (request.extensions().get::<RequestId>().map(ToString::to_string), address);
    let form = session::read::<SignIn>(request, &state).await?.form;
    let next = local(&form.next);
    if secure && over_http {
        return Ok(again(
            &state,
            next,
            "This page was loaded over http, where a token can be intercepted. Open it over https, or through a tunnel on localhost.",
        ));
    }
    let signed_in = match sign_in(&state.context, origin, &form.token).await {
        Ok(signed_in) => signed_in,
        Err(SignInError::Unknown) => {
            warn!(%address, "sign-in failed");
            return Ok(again(
                &state,
                next,
                "This token is unknown, expired or revoked. A token consists of lk_, its role, and 64 letters and digits.",
            ));
        }
        Err(SignInError::OtherRole) => {
            return Ok(again(
                &state,
                next,
                "Tokens with the role service cannot use the dashboard. Sign in with a token of the role viewer, ops or admin.",
            ));
        }
        Err(SignInError::Store(error)) => return Err(error.into()),
    };
    let cookie = [(header::SET_COOKIE, COOKIE.set(signed_in.session.expose(), LONGEST, secure))];
    Ok((cookie, Redirect::to(next)).into_response())
}

fn again(state: &AppState, next: &str, fault: &'static str) -> Response {
    let page = Page {
        frame: Layout::without_session(state, "Sign in"),
        next,
        fault: Some(fault),
    };
    (StatusCode::UNPROCESSABLE_ENTITY, render(&page)).into_response()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/tenants?status=degraded", "/tenants?status=degraded")]
    #[case("/", "/")]
    #[case("", "/")]
    #[case("//evil.example", "/")]
    #[case("/\\evil.example", "/")]
    #[case("https://evil.example/", "/")]
    #[case("/\t/evil.example", "/")]
    #[case("/x\r\nset-cookie: a=b", "/")]
    #[case("/sign-out", "/")]
    fn only_local_paths_are_redirected_to(#[case] next: &str, #[case] goes: &str) {
        assert_eq!(local(next), goes);
    }

    #[rstest]
    #[case(Method::GET, "/audit?tenant=acme", "/audit?tenant=acme")]
    #[case(Method::POST, "/tenants/acme/verify", "/tenants/acme")]
    #[case(Method::POST, "/tokens/1/revoke", "/tokens")]
    #[case(Method::POST, "/sign-out", "/sign-out")]
    fn a_form_post_leads_back_to_its_page(#[case] method: Method, #[case] path: &str, #[case] back: &str) {
        assert_eq!(return_path(&method, &path.parse().unwrap()), back);
    }
}
