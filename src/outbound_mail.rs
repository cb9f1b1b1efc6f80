//! Sending mail to an SMTP relay (RFC 5321), with TLS unless the relay is on this machine.
//!
//! One connection per mail: a tenant gets a few mails a day. The steps are taken one by one, because what a failure means depends on the
//! step: only while the mail itself is sent, the relay may have it without our knowing.

use std::fmt::{self, Debug, Formatter};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use secrecy::{ExposeSecret, SecretString};

use crate::clock::SharedClock;
use crate::domain::mail::{Letter, MailFailure, MailFault};

/// The timeout of a whole attempt.
pub const TIMEOUT: Duration = Duration::from_mins(1);

/// The timeout of connecting, and of each reply.
const REPLY_TIMEOUT: Duration = Duration::from_secs(20);

/// How the connection to a relay is protected.
#[derive(Clone)]
pub enum RelaySecurity {
    /// TLS from the beginning (`smtps`).
    Tls(TlsParameters),
    /// STARTTLS, without which nothing is sent.
    StartTls(TlsParameters),
    /// None, on loopback.
    Loopback,
}

/// An SMTP relay.
#[derive(Clone)]
pub struct Relay {
    pub host: String,
    pub port: u16,
    pub security: RelaySecurity,
    pub login: Option<(String, SecretString)>,
}

impl Debug for Relay {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// Sends mail.
#[derive(Debug, Clone)]
pub struct Mailer {
    relay: Arc<Relay>,
    from: Arc<Mailbox>,
}

impl Mailer {
    pub fn new(relay: Relay, from: Mailbox) -> Self {
        Self {
            relay: relay.into(),
            from: from.into(),
        }
    }

    /// Sends a mail to the relay.
    ///
    /// # Errors
    /// Why the relay did not accept it, or may not have.
    pub async fn send(&self, clock: &SharedClock, letter: &Letter) -> Result<(), MailFailure> {
        let message = self.message(letter).ok_or(MailFault::Rejected)?;
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![letter.to.email.clone()]).map_err(|_| MailFault::Rejected)?;
        let mut connection = in_time(clock, self.connect())
            .await
            .unwrap_or_else(|| Err(MailFault::Unreachable.into()))?;
        let sent = in_time(clock, connection.send(&envelope, &message)).await;
        let outcome = match sent {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(of_reply(&error).unwrap_or_else(|| MailFault::BrokenOff.into())),
            None => Err(MailFault::BrokenOff.into()),
        };
        // The outcome is known. The relay does not have to answer QUIT.
        in_time(clock, connection.abort()).await;
        outcome
    }

    /// Connects, signs in, and checks nothing else: for `check-config`.
    ///
    /// # Errors
    /// Why no mail can be sent.
    pub async fn probe(&self, clock: &SharedClock) -> Result<(), MailFailure> {
        let mut connection = in_time(clock, self.connect())
            .await
            .unwrap_or_else(|| Err(MailFault::Unreachable.into()))?;
        in_time(clock, connection.abort()).await;
        Ok(())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, MailFailure> {
        let hello = ClientId::Domain(self.from.email.domain().to_owned());
        let address = (self.relay.host.as_str(), self.relay.port);
        let wrapped = match &self.relay.security {
            RelaySecurity::Tls(tls) => Some(tls.clone()),
            RelaySecurity::StartTls(_) | RelaySecurity::Loopback => None,
        };
        let connected = AsyncSmtpConnection::connect_tokio1(address, Some(REPLY_TIMEOUT), &hello, wrapped, None).await;
        let mut connection = connected.map_err(|error| before_sending(&error, MailFault::Unreachable))?;
        if let RelaySecurity::StartTls(tls) = &self.relay.security {
            let secured = connection.starttls(tls.clone(), &hello).await;
            secured.map_err(|error| before_sending(&error, MailFault::Tls))?;
        }
        if let Some((user, password)) = &self.relay.login {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            let signed_in: Result<Response, _> = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
            signed_in.map_err(|error| match of_reply(&error) {
                // A reply 5xx is about the login, which operators can correct, not about the mail.
                Some(failure) if failure.fault == MailFault::Rejected => MailFailure {
                    fault: MailFault::LoginRefused,
                    ..failure
                },
                Some(failure) => failure,
                None if error.is_client() => MailFault::LoginRefused.into(),
                None => MailFault::Unreachable.into(),
            })?;
        }
        Ok(connection)
    }

    /// The mail in the format of RFC 5322. None if a value cannot be put into a header.
    fn message(&self, letter: &Letter) -> Option<Vec<u8>> {
        let to = Mailbox::new(letter.to.name.as_deref().map(on_one_line), letter.to.email.clone());
        let mut headers = lettre::Message::builder()
            .from(Mailbox::clone(&self.from))
            .to(to)
            .subject(on_one_line(&letter.subject))
            .date(letter.at.into())
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.email.domain())));
        // RFC 8058: the mail program stops mail with one POST to this URL. RFC 3834: nobody answers with an automatic reply.
        for (name, value) in [
            ("List-Unsubscribe", format!("<{}>", letter.stop)),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()),
            ("Auto-Submitted", "auto-generated".to_owned()),
        ] {
            headers = headers.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
        }
        let body = MultiPart::alternative()
            .boundary(format!("latchkey-{}", letter.id))
            .singlepart(SinglePart::plain(letter.text.clone()))
            .singlepart(SinglePart::html(letter.html.clone()));
        headers.multipart(body).ok().map(|message| message.formatted())
    }
}

/// The text without line breaks and other control characters, on which lettre panics.
fn on_one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// None if it takes too long.
async fn in_time<T>(clock: &SharedClock, work: impl Future<Output = T>) -> Option<T> {
    match select(Box::pin(work), clock.sleep(TIMEOUT / 2)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// A failure before the mail was sent.
fn before_sending(error: &lettre::transport::smtp::Error, otherwise: MailFault) -> MailFailure {
    if error.is_tls() || is_handshake(error) {
        return MailFault::Tls.into();
    }
    // Also a reply 5xx at this point is about the relay, not about the mail.
    match of_reply(error) {
        Some(failure) => MailFailure {
            fault: MailFault::Deferred,
            ..failure
        },
        None => otherwise.into(),
    }
}

/// Whether the TLS handshake failed, for example because the certificate is not trusted.
fn is_handshake(error: &lettre::transport::smtp::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if inner.is_some_and(|inner| inner.downcast_ref::<tokio_rustls::rustls::Error>().is_some()) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The failure that a reply 4xx or 5xx means.
fn of_reply(error: &lettre::transport::smtp::Error) -> Option<MailFailure> {
    let fault = if error.is_permanent() {
        MailFault::Rejected
    } else if error.is_transient() {
        MailFault::Deferred
    } else {
        return None;
    };
    Some(MailFailure {
        fault,
        reply: Some(reply_code(error)),
    })
}

/// The reply's code, followed by its enhanced status code (RFC 3463) if it has one. The rest of the text is dropped.
fn reply_code(error: &lettre::transport::smtp::Error) -> String {
    let code = error.status().as_ref().map(ToString::to_string).unwrap_or_default();
    let text = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let first = text.split_whitespace().next().unwrap_or_default();
    let parts: Vec<&str> = first.split('.').collect();
    let is_enhanced = parts.len() == 3
        && parts
            .iter()
            .all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()));
    if is_enhanced { format!("{code} {first}") } else { code }
}

#[cfg(test)]
mod tests {
    use lettre::transport::smtp::client::TlsParameters;
    use secrecy::SecretString;

    use super::*;

    fn mailer() -> Mailer {
        let relay = Relay {
            host: "relay.example".into(),
            port: 465,
            security: RelaySecurity::Tls(TlsParameters::new("relay.example".into()).unwrap()),
            login: Some(("user".into(), SecretString::from("hunter2"))),
        };
        Mailer::new(relay, "Nimbus <storage@vendor.example>".parse().unwrap())
    }

    fn letter() -> Letter {
        Letter {
            id: uuid::Uuid::nil().into(),
            to: Mailbox::new(Some("Jo \"<x>\" Müller".into()), "jo@example.com".parse().unwrap()),
            subject: "Your storage · is connected".into(),
            text: "Hello\n.\n".into(),
            html: "<p>Hello</p>".into(),
            stop: "https://storage.vendor.example/mail/stop/secret".into(),
            at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_message_has_a_stable_id_and_can_be_stopped_with_one_click() {
        let message = String::from_utf8(mailer().message(&letter()).unwrap()).unwrap();
        let unfolded = message.replace("\r\n ", " ");
        for line in [
            "Message-ID: <00000000-0000-0000-0000-000000000000@vendor.example>",
            "From: Nimbus <storage@vendor.example>",
            "List-Unsubscribe: <https://storage.vendor.example/mail/stop/secret>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            "Auto-Submitted: auto-generated",
        ] {
            assert!(unfolded.lines().any(|other| other == line), "{line}\n{unfolded}");
        }
        assert_eq!(
            mailer().message(&letter()).unwrap(),
            message.into_bytes(),
            "every attempt sends the same"
        );
    }

    #[test]
    fn no_value_can_add_a_header() {
        let mut letter = letter();
        letter.subject = "x\r\nBcc: al@example.com".into();
        letter.to = Mailbox::new(Some("x\r\nBcc: al@example.com".into()), "jo@example.com".parse().unwrap());
        let message = mailer()
            .message(&letter)
            .map(|bytes| String::from_utf8(bytes).unwrap())
            .unwrap_or_default();
        let headers = message.split("\r\n\r\n").next().unwrap();
        assert!(!headers.lines().any(|line| line.to_lowercase().starts_with("bcc:")), "{headers}");
    }

    #[test]
    fn the_password_is_not_shown() {
        let shown = format!("{:?}", mailer());
        assert!(shown.contains("relay.example") && !shown.contains("hunter2"), "{shown}");
    }
}
