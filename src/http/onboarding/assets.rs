//! The form's stylesheets, script and logo.

use axum::extract::{Path, State};
use axum::response::Response;

use super::rejection::Rejection;
use crate::http::AppState;
use crate::http::web_ui::assets::{CSS, Files, ICON, JAVASCRIPT, SCRIPT, STYLE, SVG};
use crate::http::web_ui::theme;
use crate::settings::WebSettings;

const FORM_STYLE: &[u8] = include_bytes!("assets/form.css");
const FORM_SCRIPT: &[u8] = include_bytes!("assets/form.js");

/// The paths of the assets, and their contents.
#[derive(Debug)]
pub(crate) struct Assets {
    pub styles: [String; 3],
    pub scripts: [String; 2],
    pub icon: String,
    pub logo: Option<String>,
    files: Files,
}

impl Assets {
    pub(crate) fn new(web: &WebSettings) -> Self {
        let mut files = Files::under("/onboard/assets/");
        Self {
            styles: [
                files.add("site", "css", CSS, STYLE),
                files.add("form", "css", CSS, FORM_STYLE),
                files.add("theme", "css", CSS, theme::style(web.color)),
            ],
            scripts: [
                files.add("site", "js", JAVASCRIPT, SCRIPT),
                files.add("form", "js", JAVASCRIPT, FORM_SCRIPT),
            ],
            icon: files.add("icon", "svg", SVG, ICON),
            logo: web.logo.as_ref().map(|logo| {
                let extension = logo.media_type.trim_start_matches("image/").trim_end_matches("+xml");
                files.add("logo", extension, logo.media_type, logo.bytes.clone())
            }),
            files,
        }
    }
}

/// `GET /onboard/assets/{name}`
pub(crate) async fn handle(State(state): State<AppState>, Path(name): Path<String>) -> Result<Response, Rejection> {
    state.onboarding.assets.files.answer(&name).ok_or(Rejection::NotFound)
}
