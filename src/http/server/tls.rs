//! TLS of a listener. Certificates are reloaded when their files change, so they can be renewed without a restart.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use crate::clock::SharedClock;
use crate::settings::TlsFiles;

/// The interval between checks of the files.
const LOOK: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{file} cannot be read: {fault}")]
    Unreadable { file: String, fault: std::io::Error },
    #[error("{file} is not a PEM file: {fault}")]
    NotPem { file: String, fault: pem::Error },
    #[error("{file} contains no certificate")]
    Empty { file: String },
    #[error("{0}")]
    Unusable(#[from] rustls::Error),
    #[error("the client certificate authorities cannot be used: {0}")]
    Authorities(#[from] VerifierBuilderError),
}

/// The contents of the files.
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Contents {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|fault| TlsError::Unreadable {
                file: path.display().to_string(),
                fault,
            })
        };
        Ok(Self {
            certificate: read(&files.certificate)?,
            key: read(&files.key)?,
            client_ca: files.client_ca.as_deref().map(read).transpose()?,
        })
    }

    fn digest(&self) -> [u8; 32] {
        let parts = [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()];
        let each = parts.into_iter().flatten().map(Sha256::digest);
        Sha256::digest(each.flatten().collect::<Vec<u8>>()).into()
    }

    fn config(&self, files: &TlsFiles) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let builder = match (&self.client_ca, &files.client_ca) {
            (Some(authorities), Some(path)) => {
                let mut roots = RootCertStore::empty();
                for authority in certificates(authorities, path)? {
                    roots.add(authority)?;
                }
                builder.with_client_cert_verifier(WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build()?)
            }
            _ => builder.with_no_client_auth(),
        };
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|fault| not_pem(&files.key, fault))?;
        let mut config = builder.with_single_cert(certificates(&self.certificate, &files.certificate)?, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn certificates(pem: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|fault| not_pem(path, fault))?;
    if all.is_empty() {
        let file = path.display().to_string();
        return Err(TlsError::Empty { file });
    }
    Ok(all)
}

fn not_pem(path: &Path, fault: pem::Error) -> TlsError {
    let file = path.display().to_string();
    TlsError::NotPem { file, fault }
}

/// The configuration for new connections. Clones share it.
#[derive(Debug, Clone)]
pub struct Tls(watch::Receiver<Arc<ServerConfig>>);

/// Keeps the configuration up to date.
pub struct TlsReloader {
    files: TlsFiles,
    digest: [u8; 32],
    config: watch::Sender<Arc<ServerConfig>>,
}

impl Tls {
    /// # Errors
    /// When the files cannot be used.
    pub fn load(files: TlsFiles) -> Result<(Self, TlsReloader), TlsError> {
        let contents = Contents::read(&files)?;
        let (config, receiver) = watch::channel(Arc::new(contents.config(&files)?));
        let reloader = TlsReloader {
            digest: contents.digest(),
            files,
            config,
        };
        Ok((Self(receiver), reloader))
    }

    /// None when the handshake fails or takes too long.
    pub(super) async fn accept<IO: AsyncRead + AsyncWrite + Unpin>(&self, io: IO, limit: Duration) -> Option<TlsStream<IO>> {
        let acceptor = TlsAcceptor::from(self.0.borrow().clone());
        match tokio::time::timeout(limit, acceptor.accept(io)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(fault)) => {
                debug!(%fault, "a TLS handshake failed");
                None
            }
            Err(_) => {
                debug!("a TLS handshake took too long");
                None
            }
        }
    }
}

impl TlsReloader {
    /// Reloads the files when they change, until `stop`. If they are invalid, the previous configuration remains in use.
    pub async fn follow(mut self, clock: SharedClock, stop: CancellationToken) {
        let mut failures = 0;
        while stop.run_until_cancelled(clock.sleep(LOOK)).await.is_some() {
            match self.reload() {
                Ok(is_new) => {
                    failures = 0;
                    if is_new {
                        info!(certificate = %self.files.certificate.display(), "loaded a new TLS certificate");
                    }
                }
                Err(fault) => {
                    failures += 1;
                    // The files are not replaced at the same instant, so the first failure may be temporary.
                    if failures == 2 {
                        error!(%fault, "cannot load the new TLS certificate; the previous one remains in use");
                    }
                }
            }
        }
    }

    /// Whether the files had changed.
    fn reload(&mut self) -> Result<bool, TlsError> {
        let contents = Contents::read(&self.files)?;
        let digest = contents.digest();
        if digest == self.digest {
            return Ok(false);
        }
        self.config.send_replace(Arc::new(contents.config(&self.files)?));
        self.digest = digest;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn write(files: &TlsFiles) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&files.certificate, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    }

    #[test]
    fn invalid_files_do_not_replace_valid_ones() {
        let folder: PathBuf = std::env::temp_dir().join(format!("latchkey-reload-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let files = TlsFiles {
            certificate: folder.join("tls.crt"),
            key: folder.join("tls.key"),
            client_ca: None,
        };
        write(&files);
        let (tls, mut reloader) = Tls::load(files.clone()).unwrap();
        let first = tls.0.borrow().clone();
        assert!(!reloader.reload().unwrap(), "unchanged");

        std::fs::write(&files.certificate, "garbage").unwrap();
        assert!(reloader.reload().is_err());
        assert!(Arc::ptr_eq(&first, &tls.0.borrow()));

        write(&files);
        assert!(reloader.reload().unwrap());
        assert!(!Arc::ptr_eq(&first, &tls.0.borrow()));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
