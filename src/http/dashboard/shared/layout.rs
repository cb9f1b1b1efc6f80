//! The layout that all pages share.

use strum::IntoStaticStr;

use crate::http::AppState;
use crate::http::dashboard::shared::notice::Notice;
use crate::http::dashboard::shared::session::DashboardSession;
use crate::http::web_ui::capital;

/// A section of the dashboard, as marked in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Section {
    Overview,
    Tenants,
    Documents,
    Drift,
    Audit,
    Webhooks,
    Tokens,
    None,
}

/// Everything around a page's content.
pub(crate) struct Layout<'a> {
    pub title: String,
    pub vendor: &'a str,
    pub styles: &'a [String],
    pub scripts: &'a [String],
    pub icon: &'a str,
    pub part: Section,
    pub user: Option<&'a DashboardSession>,
    /// Distinguishes the pages of two sessions in the same browser.
    pub session: String,
    pub form_token: String,
    pub notice: Option<Notice>,
    /// The content changes over time. Without JavaScript, the page reloads itself.
    pub live: bool,
}

impl<'a> Layout<'a> {
    pub(crate) fn without_session(state: &'a AppState, title: &str) -> Self {
        let dashboard = &state.dashboard;
        Self {
            title: title.to_owned(),
            vendor: &state.context.vendor.name,
            styles: &dashboard.styles,
            scripts: &dashboard.scripts,
            icon: &dashboard.icon,
            part: Section::None,
            user: None,
            session: String::new(),
            form_token: String::new(),
            notice: None,
            live: false,
        }
    }

    pub(crate) fn new(state: &'a AppState, user: &'a DashboardSession, part: Section, title: &str) -> Self {
        let form_token = user.form_token();
        Self {
            part,
            user: Some(user),
            session: form_token.chars().take(12).collect(),
            form_token,
            ..Self::without_session(state, title)
        }
    }

    pub(crate) fn vendor_first(&self) -> String {
        capital(self.vendor)
    }

    pub(crate) fn is(&self, part: &str) -> bool {
        <&str>::from(self.part) == part
    }

    pub(crate) fn may_manage(&self) -> bool {
        self.user.is_some_and(DashboardSession::may_manage)
    }

    pub(crate) fn may_manage_tokens(&self) -> bool {
        self.user.is_some_and(DashboardSession::may_manage_tokens)
    }
}
