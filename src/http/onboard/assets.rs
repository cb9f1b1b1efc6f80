//! Stylesheets, the script and the vendor's logo: served from memory, under names that change with their content.

use std::collections::BTreeMap;

use axum::extract::{Path, State as Extract};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::refusal::Refusal;
use super::theme;
use crate::http::State;
use crate::settings::Front;

const STYLE: &[u8] = include_bytes!("assets/form.css");
const ICON: &[u8] = include_bytes!("assets/icon.svg");
const SCRIPT: &[u8] = include_bytes!("assets/form.js");
const FOR_EVER: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=31536000, immutable");

/// Paths for the pages, and what is behind them.
#[derive(Debug)]
pub struct Assets {
    pub style: String,
    pub theme: String,
    pub script: String,
    pub icon: String,
    pub logo: Option<String>,
    files: BTreeMap<String, (&'static str, Bytes)>,
}

impl Assets {
    pub fn new(front: &Front) -> Self {
        let mut files = BTreeMap::new();
        let mut add = |stem: &str, extension: &str, media_type, bytes: Bytes| {
            let digest = hex::encode(Sha256::digest(&bytes));
            let name = format!("{stem}.{}.{extension}", &digest[..12]);
            let path = format!("/onboard/assets/{name}");
            files.insert(name, (media_type, bytes));
            path
        };
        let style = add("form", "css", "text/css; charset=utf-8", Bytes::from_static(STYLE));
        let theme = add("theme", "css", "text/css; charset=utf-8", theme::style(front.colour).into());
        let script = add("form", "js", "text/javascript; charset=utf-8", Bytes::from_static(SCRIPT));
        let icon = add("icon", "svg", "image/svg+xml", Bytes::from_static(ICON));
        let logo = front.logo.as_ref().map(|logo| {
            let extension = logo.media_type.trim_start_matches("image/").trim_end_matches("+xml");
            add("logo", extension, logo.media_type, logo.bytes.clone().into())
        });
        Self {
            style,
            theme,
            script,
            icon,
            logo,
            files,
        }
    }
}

/// `GET /onboard/assets/{name}`
pub async fn handle(Extract(state): Extract<State>, Path(name): Path<String>) -> Result<Response, Refusal> {
    let (media_type, bytes) = state.desk.assets.files.get(&name).ok_or(Refusal::NotFound)?;
    Ok(([(header::CONTENT_TYPE, *media_type), FOR_EVER], bytes.clone()).into_response())
}
