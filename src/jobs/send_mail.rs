//! Sends one mail to a contact.

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};

use super::DeliveryContext;
use crate::domain::ids::MailId;
use crate::service::mail::send::send;
use crate::store::jobs::SEND_MAIL;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SendMail {
    mail_id: MailId,
}

impl TaskHandler for SendMail {
    const IDENTIFIER: &'static str = SEND_MAIL;

    async fn run(self, worker: WorkerContext) -> impl IntoTaskHandlerResult {
        let DeliveryContext { context, mailer, .. } = super::of(&worker);
        send(&context, mailer.as_ref(), self.mail_id).await
    }
}
