//! TLS on both listeners, with real connections.

use std::path::PathBuf;

use latchkey::domain::token::Role;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use reqwest::{Certificate, Client, Identity};

use crate::support::aws::{AwsAccess, unique};
use crate::support::cli::latchkey;
use crate::support::database::migrated_database;
use crate::support::process::Process;
use crate::support::server::TestServer;

/// A certificate authority.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key is made");
        let mut params = CertificateParams::new(Vec::new()).expect("it has no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("it signs itself").pem();
        Self {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate and its key.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().expect("a key is made");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("the name is one");
        let certificate = params.signed_by(&key, &self.issuer).expect("the authority signs");
        (certificate.pem(), key.serialize_pem())
    }

    /// A client that trusts this authority alone.
    fn client(&self, identity: Option<&str>) -> Client {
        let trusted = Certificate::from_pem(self.pem.as_bytes()).expect("it is a certificate");
        let mut builder = Client::builder().tls_certs_only([trusted]).pool_max_idle_per_host(0);
        if let Some(identity) = identity {
            builder = builder.identity(Identity::from_pem(identity.as_bytes()).expect("it is an identity"));
        }
        builder.build().expect("TLS is there")
    }
}

/// The files of a test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("latchkey-tls-{}", unique()));
        std::fs::create_dir_all(&path).expect("a folder is made");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file is written");
        path.to_string_lossy().into_owned()
    }
}

async fn answers(client: &Client, url: &str) -> bool {
    client.get(url).send().await.is_ok_and(|answer| answer.status() == 200)
}

fn https(url: &str) -> String {
    url.replacen("http:", "https:", 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_listeners_speak_tls_and_the_private_one_requires_client_certificates() {
    let (access, database, folder) = (AwsAccess::none(), migrated_database().await, Folder::new());
    let (authority, clients) = (Authority::new(), Authority::new());
    let (certificate, key) = authority.issue("127.0.0.1");
    let (certificate, key) = (folder.write("tls.crt", &certificate), folder.write("tls.key", &key));
    let client_ca = folder.write("clients.pem", &clients.pem);
    let settings = [
        ("LATCHKEY_NO_WORKER", "true"),
        ("LATCHKEY_PUBLIC_TLS_CERT", certificate.as_str()),
        ("LATCHKEY_PUBLIC_TLS_KEY", &key),
        ("LATCHKEY_PRIVATE_TLS_CERT", &certificate),
        ("LATCHKEY_PRIVATE_TLS_KEY", &key),
        ("LATCHKEY_PRIVATE_TLS_CLIENT_CA", &client_ca),
    ];
    let process = Process::start(&access, &database, &settings).await;
    let (public, private) = (
        format!("{}/healthz", https(&process.public)),
        format!("{}/healthz", https(&process.url)),
    );
    let identity = |authority: &Authority| {
        let (certificate, key) = authority.issue("service");
        certificate + &key
    };
    let (known, unknown) = (identity(&clients), identity(&Authority::new()));

    assert!(answers(&authority.client(None), &public).await);
    assert!(
        !answers(&clients.client(None), &public).await,
        "its certificate is of another authority"
    );
    assert!(
        !answers(&Client::new(), &format!("{}/healthz", process.public)).await,
        "no clear text"
    );

    assert!(answers(&authority.client(Some(&known)), &private).await);
    assert!(!answers(&authority.client(None), &private).await, "no certificate");
    assert!(
        !answers(&authority.client(Some(&unknown)), &private).await,
        "a certificate of somebody else"
    );

    // Browsers stay with https, except on loopback, where other ports have no TLS.
    let browser = authority.client(Some(&known));
    for path in ["/sign-in", "/docs/", "/openapi.json"] {
        let url = format!("{}{path}", https(&process.url));
        let named = browser
            .get(&url)
            .header("host", "latchkey.internal")
            .send()
            .await
            .expect("it answers");
        assert_eq!(named.headers()["strict-transport-security"], "max-age=31536000", "{path}");
        let loopback = browser.get(&url).send().await.expect("it answers");
        assert!(!loopback.headers().contains_key("strict-transport-security"), "{path}");
    }

    // The health check does not know the authority, and has no certificate.
    let address = |url: &str| url.replacen("http://", "", 1);
    let (public, private) = (address(&process.public), address(&process.url));
    let listen = [("LATCHKEY_PUBLIC_LISTEN", public.as_str()), ("LATCHKEY_PRIVATE_LISTEN", &private)];
    assert!(latchkey(&["healthcheck"], &[&listen, &settings[1..]].concat()).status.success());
    assert!(!latchkey(&["healthcheck"], &listen).status.success(), "without TLS nobody answers");

    // The command line shows the same certificate.
    let server = TestServer::builder().database_url(&database).start().await;
    let token = server.token_of(Role::Viewer).await;
    let (ca, client_cert) = (folder.write("ca.pem", &authority.pem), folder.write("client.pem", &known));
    let url = https(&process.url);
    let list = move |more: &[(&str, &str)]| {
        let env = [
            &[("LATCHKEY_URL", url.as_str()), ("LATCHKEY_TOKEN", &token), ("LATCHKEY_CA", &ca)],
            more,
        ]
        .concat();
        latchkey(&["tenant", "list"], &env)
    };
    let (with, without) = tokio::task::spawn_blocking(move || (list(&[("LATCHKEY_CLIENT_CERT", &client_cert)]), list(&[])))
        .await
        .unwrap();
    assert!(with.status.success(), "{with:?}");
    assert_eq!(without.status.code(), Some(3), "{without:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_served_without_a_restart() {
    let (access, database, folder) = (AwsAccess::none(), migrated_database().await, Folder::new());
    let (old, new) = (Authority::new(), Authority::new());
    let write = |authority: &Authority| {
        let (certificate, key) = authority.issue("127.0.0.1");
        (folder.write("tls.crt", &certificate), folder.write("tls.key", &key))
    };
    let (certificate, key) = write(&old);
    let settings = [
        ("LATCHKEY_NO_WORKER", "true"),
        ("LATCHKEY_PRIVATE_TLS_CERT", certificate.as_str()),
        ("LATCHKEY_PRIVATE_TLS_KEY", &key),
    ];
    let process = Process::start(&access, &database, &settings).await;
    let url = format!("{}/healthz", https(&process.url));
    let (trusts_old, trusts_new) = (old.client(None), new.client(None));
    assert!(answers(&trusts_old, &url).await);
    assert!(!answers(&trusts_new, &url).await);
    write(&new);
    process.until("the new certificate is served", |_| answers(&trusts_new, &url)).await;
    assert!(!answers(&trusts_old, &url).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_config_says_what_is_wrong_with_a_certificate() {
    let folder = Folder::new();
    let (certificate, _) = Authority::new().issue("127.0.0.1");
    let (_, other_key) = Authority::new().issue("127.0.0.1");
    let (certificate, other_key) = (folder.write("tls.crt", &certificate), folder.write("other.key", &other_key));
    let empty = folder.write("empty.crt", "");
    let check = |certificate: &str, key: &str| {
        let env = [
            ("DATABASE_URL", "postgres://latchkey@db.internal/latchkey"),
            ("LATCHKEY_STORAGE_ROLE_ARN", "arn:aws:iam::111111111111:role/storage"),
            ("LATCHKEY_PUBLIC_LISTEN", "0.0.0.0:8080"),
            ("LATCHKEY_PRIVATE_TLS_CERT", certificate),
            ("LATCHKEY_PRIVATE_TLS_KEY", key),
        ];
        let checked = latchkey(&["check-config"], &env);
        let text = String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()).into_owned();
        (checked.status.code(), text)
    };
    let (code, said) = check("", "");
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("warning  DATABASE_URL: the identity of db.internal is not verified"),
        "{said}"
    );
    assert!(
        said.contains("warning  LATCHKEY_PUBLIC_LISTEN: 0.0.0.0:8080 is not a loopback address"),
        "{said}"
    );
    for (certificate, key, expected) in [
        (
            certificate.as_str(),
            other_key.as_str(),
            "LATCHKEY_PRIVATE_TLS_CERT: keys may not be consistent",
        ),
        (&empty, &other_key, "contains no certificate"),
        ("/nowhere/tls.crt", &other_key, "/nowhere/tls.crt cannot be read"),
    ] {
        let (code, said) = check(certificate, key);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.to_lowercase().contains(&expected.to_lowercase()), "{said}");
    }
}
