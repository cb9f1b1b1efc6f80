//! Stylesheets, scripts and images. They are served from memory, at paths that contain a hash of the content.

use std::collections::BTreeMap;

use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sha2::{Digest, Sha256};

pub(crate) const STYLE: &[u8] = include_bytes!("assets/site.css");
pub(crate) const SCRIPT: &[u8] = include_bytes!("assets/site.js");
pub(crate) const ICON: &[u8] = include_bytes!("assets/icon.svg");
pub(crate) const CSS: &str = "text/css; charset=utf-8";
pub(crate) const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
pub(crate) const SVG: &str = "image/svg+xml";

const IMMUTABLE: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=31536000, immutable");

/// The assets, by file name.
#[derive(Debug)]
pub(crate) struct Files {
    folder: &'static str,
    files: BTreeMap<String, (&'static str, Bytes)>,
}

impl Files {
    /// Assets below this path.
    pub(crate) fn under(folder: &'static str) -> Self {
        Self {
            folder,
            files: BTreeMap::new(),
        }
    }

    /// Adds an asset, and returns its path.
    pub(crate) fn add(&mut self, stem: &str, extension: &str, media_type: &'static str, bytes: impl Into<Bytes>) -> String {
        let bytes = bytes.into();
        let digest = hex::encode(Sha256::digest(&bytes));
        let name = format!("{stem}.{}.{extension}", &digest[..12]);
        let path = format!("{}{name}", self.folder);
        self.files.insert(name, (media_type, bytes));
        path
    }

    /// The asset with this file name, as a response.
    pub(crate) fn answer(&self, name: &str) -> Option<Response> {
        let (media_type, bytes) = self.files.get(name)?;
        Some(([(header::CONTENT_TYPE, *media_type), IMMUTABLE], bytes.clone()).into_response())
    }
}
