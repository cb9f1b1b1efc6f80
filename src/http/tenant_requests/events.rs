//! The events of a verification, as a stream has them.

use axum::response::sse::Event;
use utoipa::ToSchema;

use crate::domain::message::Audience;
use crate::domain::vendor::Vendor;
use crate::domain::verification::VerificationEvent;
use crate::http::views::{AttemptView, CheckView, VerificationView};

/// An event of the stream.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes what is written to the stream")]
pub(crate) struct StreamedEvent {
    /// Send this in `Last-Event-ID` to continue after this event.
    id: String,
    event: StreamedEventName,
    /// The attempt, the check or the verification, as JSON.
    data: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "it describes what is written to the stream")]
pub(crate) enum StreamedEventName {
    Attempt,
    Check,
    Finished,
}

pub(crate) fn event(number: i32, event: VerificationEvent, vendor: &Vendor, audience: Audience) -> Event {
    let frame = Event::default().id(number.to_string());
    let written = match event {
        VerificationEvent::Attempt(attempt) => frame.event("attempt").json_data(AttemptView::from(attempt)),
        VerificationEvent::Check(finding) => frame.event("check").json_data(CheckView::new(*finding, vendor, audience)),
        VerificationEvent::Finished(verification) => {
            frame
                .event("finished")
                .json_data(VerificationView::new(*verification, vendor, audience))
        }
    };
    written.unwrap_or_default()
}
