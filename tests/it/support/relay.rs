//! An SMTP relay that keeps the mail it accepts, and refuses what a test tells it to.

use std::sync::{Arc, Mutex};

use latchkey::outbound_mail::{Mailer, Relay, RelaySecurity};
use lettre::transport::smtp::client::{Certificate, TlsParametersBuilder};
use rcgen::{CertificateParams, KeyPair};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::server::TIMEOUT;

/// The sender of the mails.
pub const FROM: &str = "Example Vendor <storage@vendor.example>";

/// A mailer without a relay, for servers that only queue mail.
pub fn unreachable_relay() -> Mailer {
    let relay = Relay {
        host: "localhost".into(),
        port: 9,
        security: RelaySecurity::Loopback,
        login: None,
    };
    Mailer::new(relay, FROM.parse().expect("a sender"))
}

/// A mail that the relay accepted, or all of it that it received.
#[derive(Debug, Clone)]
pub struct ReceivedMail {
    pub to: String,
    /// Unfolded.
    pub headers: Vec<(String, String)>,
    pub text: String,
    pub html: String,
    pub was_encrypted: bool,
    pub login: Option<String>,
}

impl ReceivedMail {
    pub fn header(&self, name: &str) -> &str {
        let header = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        &header.unwrap_or_else(|| panic!("{name} in {:?}", self.headers)).1
    }

    /// The link in its text that contains this.
    pub fn link(&self, part: &str) -> String {
        let link = self.text.lines().find(|line| line.starts_with("http") && line.contains(part));
        link.unwrap_or_else(|| panic!("{part} in {}", self.text)).to_owned()
    }
}

/// How the relay behaves. A reply is its whole line.
#[derive(Debug, Clone)]
pub struct Behavior {
    pub recipient: &'static str,
    pub data: &'static str,
    pub login: &'static str,
    /// Whether it offers STARTTLS.
    pub starttls: bool,
    /// Closes the connection instead of replying to the mail, which it keeps.
    pub hangs_up: bool,
}

impl Default for Behavior {
    fn default() -> Self {
        Self {
            recipient: "250 2.1.5 OK",
            data: "250 2.0.0 Queued",
            login: "235 2.7.0 OK",
            starttls: true,
            hangs_up: false,
        }
    }
}

#[derive(Clone)]
pub struct TestRelay {
    pub port: u16,
    /// Its certificate, for `localhost`.
    pub certificate: String,
    tls: TlsAcceptor,
    seen: Arc<watch::Sender<Vec<ReceivedMail>>>,
    behavior: Arc<Mutex<Behavior>>,
}

impl TestRelay {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let key = KeyPair::generate().expect("a key is made");
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("the name is one");
        let certificate = params.self_signed(&key).expect("it signs itself").pem();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")],
                PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("a key"),
            )
            .expect("the key fits");
        let relay = Self {
            port: listener.local_addr().expect("the listener has an address").port(),
            certificate,
            tls: TlsAcceptor::from(Arc::new(config)),
            seen: Arc::new(watch::Sender::new(Vec::new())),
            behavior: Arc::default(),
        };
        let own = relay.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(own.clone().serve(stream));
            }
        });
        relay
    }

    pub fn behave(&self, behavior: Behavior) {
        *self.behavior.lock().unwrap() = behavior;
    }

    /// A mailer that sends to this relay without TLS, as on loopback.
    pub fn mailer(&self) -> Mailer {
        self.mailer_with(RelaySecurity::Loopback, None)
    }

    pub fn mailer_with(&self, security: RelaySecurity, login: Option<(&str, &str)>) -> Mailer {
        let relay = Relay {
            host: "localhost".into(),
            port: self.port,
            security,
            login: login.map(|(user, password)| (user.to_owned(), password.into())),
        };
        Mailer::new(relay, FROM.parse().expect("a sender"))
    }

    /// STARTTLS, with trust in the relay's certificate or without.
    pub fn starttls(&self, is_trusted: bool) -> RelaySecurity {
        let mut parameters = TlsParametersBuilder::new("localhost".into());
        if is_trusted {
            let certificate = Certificate::from_pem(self.certificate.as_bytes()).expect("a certificate");
            parameters = parameters.add_root_certificate(certificate);
        }
        RelaySecurity::StartTls(parameters.build().expect("TLS is there"))
    }

    /// The mails so far.
    pub fn seen(&self) -> Vec<ReceivedMail> {
        self.seen.borrow().clone()
    }

    /// The mails, once there are at least `count`.
    pub async fn mails(&self, count: usize) -> Vec<ReceivedMail> {
        let mut seen = self.seen.subscribe();
        let reached = seen.wait_for(|seen| seen.len() >= count);
        tokio::time::timeout(TIMEOUT, reached)
            .await
            .expect("mails come in")
            .expect("the relay stands")
            .clone()
    }

    async fn serve(self, stream: TcpStream) {
        let mut session = Session {
            relay: self.clone(),
            was_encrypted: false,
            login: None,
            to: String::new(),
        };
        let mut stream = BufReader::new(stream);
        if stream.get_mut().write_all(b"220 relay.example\r\n").await.is_err() {
            return;
        }
        if session.talk(&mut stream).await == Next::Tls
            && let Ok(encrypted) = self.tls.accept(stream.into_inner()).await
        {
            session.was_encrypted = true;
            session.talk(&mut BufReader::new(encrypted)).await;
        }
    }
}

#[derive(PartialEq, Eq)]
enum Next {
    End,
    Tls,
}

struct Session {
    relay: TestRelay,
    was_encrypted: bool,
    login: Option<String>,
    to: String,
}

impl Session {
    async fn talk<S>(&mut self, stream: &mut BufReader<S>) -> Next
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        while let Some(line) = line(stream).await {
            let behavior = self.relay.behavior.lock().unwrap().clone();
            let command = line.to_ascii_uppercase();
            let reply = match command.split([' ', ':']).next().unwrap_or_default() {
                "EHLO" if behavior.starttls && !self.was_encrypted => "250-relay.example\r\n250-STARTTLS\r\n250 AUTH PLAIN".to_owned(),
                "EHLO" => "250-relay.example\r\n250 AUTH PLAIN".to_owned(),
                "STARTTLS" => {
                    let _ = stream.get_mut().write_all(b"220 Go\r\n").await;
                    return Next::Tls;
                }
                "AUTH" => {
                    self.login = line.rsplit(' ').next().map(str::to_owned);
                    behavior.login.to_owned()
                }
                "RCPT" => {
                    line.split(['<', '>']).nth(1).unwrap_or_default().clone_into(&mut self.to);
                    behavior.recipient.to_owned()
                }
                "DATA" => {
                    let _ = stream.get_mut().write_all(b"354 Send it\r\n").await;
                    let mail = self.receive(stream).await;
                    if behavior.hangs_up || behavior.data.starts_with('2') {
                        self.relay.seen.send_modify(|seen| seen.push(mail));
                    }
                    if behavior.hangs_up {
                        return Next::End;
                    }
                    behavior.data.to_owned()
                }
                "QUIT" => {
                    let _ = stream.get_mut().write_all(b"221 Bye\r\n").await;
                    return Next::End;
                }
                _ => "250 OK".to_owned(),
            };
            if stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
                break;
            }
        }
        Next::End
    }

    async fn receive(&self, stream: &mut (impl AsyncBufRead + Unpin)) -> ReceivedMail {
        let mut data = String::new();
        while let Some(line) = line(stream).await {
            if line == "." {
                break;
            }
            data.push_str(line.strip_prefix('.').unwrap_or(&line));
            data.push_str("\r\n");
        }
        let (headers, body) = split(&data);
        let content_type = headers
            .iter()
            .find(|(name, _)| name == "Content-Type")
            .map_or("", |(_, value)| value);
        let boundary = content_type.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next());
        let boundary = format!("--{}", boundary.expect("a boundary"));
        let mut parts = body.split(&boundary).skip(1);
        let mut part = || decoded(parts.next().expect("a part"));
        ReceivedMail {
            to: self.to.clone(),
            text: part(),
            html: part(),
            headers,
            was_encrypted: self.was_encrypted,
            login: self.login.clone(),
        }
    }
}

async fn line(stream: &mut (impl AsyncBufRead + Unpin)) -> Option<String> {
    let mut line = String::new();
    match stream.read_line(&mut line).await {
        Ok(1..) => Some(line.trim_end_matches(['\r', '\n']).to_owned()),
        _ => None,
    }
}

/// Headers, unfolded, and the body.
fn split(data: &str) -> (Vec<(String, String)>, &str) {
    let (head, body) = data.trim_start().split_once("\r\n\r\n").expect("headers end");
    let unfolded = head.replace("\r\n ", " ");
    let headers = unfolded.lines().filter_map(|line| line.split_once(": "));
    (headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(), body)
}

/// The text of a part.
fn decoded(part: &str) -> String {
    let (headers, body) = split(part);
    let encoding = headers.iter().find(|(name, _)| name == "Content-Transfer-Encoding");
    let bytes = match encoding.map(|(_, value)| value.as_str()) {
        Some("quoted-printable") => quoted_printable(body),
        Some("base64") => {
            use base64::Engine as _;
            let text: String = body.split_whitespace().collect();
            base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
        }
        _ => body.as_bytes().to_vec(),
    };
    String::from_utf8(bytes).expect("the text is UTF-8").replace("\r\n", "\n")
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let text = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        rest = more;
        if *first == b'=' && more.len() >= 2 {
            let digits = std::str::from_utf8(&more[..2]).expect("digits");
            bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal digits"));
            rest = &more[2..];
        } else {
            bytes.push(*first);
        }
    }
    bytes
}
