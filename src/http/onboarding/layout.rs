//! What all pages have in common.

use super::session::OnboardSession;
use crate::http::AppState;
use crate::http::web_ui::capital;

/// The parts of a page around its content.
pub struct Layout<'a> {
    pub title: String,
    pub vendor: &'a str,
    pub logo: Option<&'a str>,
    pub contact: Option<Contact<'a>>,
    pub icon: &'a str,
    pub styles: &'a [String],
    pub scripts: &'a [String],
    pub tenant: Option<&'a str>,
    /// Tells the pages of one session from those of another in the same browser.
    pub session: String,
    /// The step that the page is, from 1; 0 is none.
    pub step: u8,
}

/// Whom to ask.
pub struct Contact<'a> {
    pub text: &'a str,
    pub link: Option<String>,
}

impl<'a> Layout<'a> {
    pub fn of_nobody(state: &'a AppState, title: &str) -> Self {
        let desk = &state.desk;
        Self {
            title: title.to_owned(),
            vendor: &state.context.vendor.name,
            logo: desk.assets.logo.as_deref(),
            contact: desk.front.contact.as_deref().map(Contact::of),
            icon: &desk.assets.icon,
            styles: &desk.assets.styles,
            scripts: &desk.assets.scripts,
            tenant: None,
            session: String::new(),
            step: 0,
        }
    }

    pub fn new(state: &'a AppState, visitor: &'a OnboardSession, step: u8, title: &str) -> Self {
        Self {
            tenant: Some(visitor.tenant.name.as_str()),
            session: visitor.session.form_token().chars().take(12).collect(),
            step,
            ..Self::of_nobody(state, title)
        }
    }

    /// The vendor's name at the beginning of a sentence.
    pub fn vendor_first(&self) -> String {
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
