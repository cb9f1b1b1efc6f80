//! The layout that all pages share.

use super::session::OnboardSession;
use crate::http::AppState;
use crate::http::web_ui::capital;

/// Everything around a page's content.
pub(crate) struct Layout<'a> {
    pub title: String,
    pub vendor: &'a str,
    pub logo: Option<&'a str>,
    pub contact: Option<Contact<'a>>,
    pub icon: &'a str,
    pub styles: &'a [String],
    pub scripts: &'a [String],
    pub tenant: Option<&'a str>,
    /// Distinguishes the pages of two sessions in the same browser.
    pub session: String,
    /// The page's step, from 1. 0 for a page outside the steps.
    pub step: u8,
}

/// The vendor's contact.
pub(crate) struct Contact<'a> {
    pub text: &'a str,
    pub link: Option<String>,
}

impl<'a> Layout<'a> {
    pub(crate) fn without_session(state: &'a AppState, title: &str) -> Self {
        let onboarding = &state.onboarding;
        Self {
            title: title.to_owned(),
            vendor: &state.context.vendor.name,
            logo: onboarding.assets.logo.as_deref(),
            contact: onboarding.web.contact.as_deref().map(Contact::of),
            icon: &onboarding.assets.icon,
            styles: &onboarding.assets.styles,
            scripts: &onboarding.assets.scripts,
            tenant: None,
            session: String::new(),
            step: 0,
        }
    }

    pub(crate) fn new(state: &'a AppState, session: &'a OnboardSession, step: u8, title: &str) -> Self {
        Self {
            tenant: Some(session.tenant.name.as_str()),
            session: session.session.form_token().chars().take(12).collect(),
            step,
            ..Self::without_session(state, title)
        }
    }

    /// The vendor's name, capitalized for the beginning of a sentence.
    pub(crate) fn vendor_first(&self) -> String {
        capital(self.vendor)
    }
}

impl<'a> Contact<'a> {
    fn of(text: &'a str) -> Self {
        let is_url = text.starts_with("https://") || text.starts_with("http://");
        let is_mail = !is_url && text.contains('@') && !text.contains([' ', '?', '&', ':']);
        let link = is_url
            .then(|| text.to_owned())
            .or_else(|| is_mail.then(|| format!("mailto:{text}")));
        Self { text, link }
    }
}
