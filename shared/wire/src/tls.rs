//! Mutual TLS 1.3: certificates, the revocation list, and who may be on the other end.
//!
//! Invariant: an expired revocation list trusts nobody.  Session resumption is off on both sides,
//! because a resumed session would skip the check of the client certificate.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use domain::ServiceKind;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    ServerConfig, SignatureScheme,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime,
};
use serde::Deserialize;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _};

use crate::identity::{Certificate, PeerIdentity};

/// Where the PEM files are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The private authority's certificate; nothing else is trusted.
    pub authority: PathBuf,
    /// The authority's revocation list; read again whenever [`Trust::reload`] is called.
    pub revocation_list: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What can be wrong with the files.  Names the file's role, never its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    #[error("the authority's certificate is missing or not readable")]
    Authority,
    #[error("the revocation list is missing, not readable or not of this authority")]
    RevocationList,
    #[error("the certificate is missing or not readable")]
    Certificate,
    #[error("the private key is missing, not readable or does not fit the certificate")]
    Key,
}

/// Our own certificate and key, and whom we trust.
#[derive(Clone, Debug)]
pub struct TlsIdentity {
    pub trust: Arc<Trust>,
    certificates: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl TlsIdentity {
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let trust = Arc::new(Trust::load(files)?);
        let certificates = CertificateDer::pem_file_iter(&files.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|_| TlsError::Certificate)?;
        let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|_| TlsError::Key)?;
        Ok(Self { trust, certificates, key: Arc::new(key) })
    }

    /// What our own certificate says.
    pub fn certificate(&self) -> Result<Certificate, TlsError> {
        let first = self.certificates.first().ok_or(TlsError::Certificate)?;
        Certificate::read(first).ok_or(TlsError::Certificate)
    }

    /// For a listener: every caller must show a certificate that is not revoked.
    pub fn server_config(&self) -> Result<ServerConfig, TlsError> {
        let verifier = Arc::new(CallerVerifier { trust: Arc::clone(&self.trust) });
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|_| TlsError::Certificate)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.certificates.clone(), self.key.clone_key())
            .map_err(|_| TlsError::Key)?;
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        Ok(config)
    }

    /// For calls to one service: the other end must be `expected`, not just anybody of ours.
    pub fn client_config(&self, expected: Expected) -> Result<ClientConfig, TlsError> {
        let verifier = Arc::new(CalleeVerifier { trust: Arc::clone(&self.trust), expected });
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|_| TlsError::Certificate)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_auth_cert(self.certificates.clone(), self.key.clone_key())
            .map_err(|_| TlsError::Key)?;
        config.resumption = rustls::client::Resumption::disabled();
        Ok(config)
    }
}

/// Which service a caller means to reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub kind: ServiceKind,
    /// The very instance, where it matters (a room's host).
    pub instance: Option<String>,
}

impl Expected {
    pub fn any(kind: ServiceKind) -> Self {
        Self { kind, instance: None }
    }

    fn fits(&self, identity: &PeerIdentity) -> bool {
        let PeerIdentity::Service { kind, instance } = identity else { return false };
        *kind == self.kind && self.instance.as_ref().is_none_or(|wanted| wanted == instance)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The authority and its revocation list as they are now; can be read again while running.
#[derive(Debug)]
pub struct Trust {
    files: TlsFiles,
    current: RwLock<Arc<Verifiers>>,
}

#[derive(Debug)]
struct Verifiers {
    callers: Arc<dyn ClientCertVerifier>,
    callees: Arc<WebPkiServerVerifier>,
    revoked_serials: Vec<Vec<u8>>,
    list_expires_at_unix_s: i64,
}

impl Trust {
    fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let current = RwLock::new(Arc::new(Verifiers::load(files)?));
        Ok(Self { files: files.clone(), current })
    }

    /// Reads authority and revocation list again; on an error the old ones stay in force until
    /// the old list expires.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = Arc::new(Verifiers::load(&self.files)?);
        let mut current = self.current.write().map_err(|_| TlsError::RevocationList)?;
        *current = fresh;
        Ok(())
    }

    /// Whether a certificate may still be used: asked for each request, because a connection may
    /// outlive a revocation.
    pub fn accepts(&self, serial: &[u8], now_unix_s: i64) -> bool {
        let Ok(current) = self.current() else { return false };
        now_unix_s < current.list_expires_at_unix_s
            && !current.revoked_serials.iter().any(|revoked| revoked == serial)
    }

    /// When the revocation list in force expires, in seconds since 1970.
    pub fn list_expires_at_unix_s(&self) -> Option<i64> {
        self.current().ok().map(|current| current.list_expires_at_unix_s)
    }

    fn current(&self) -> Result<Arc<Verifiers>, Error> {
        let guard = self.current.read();
        guard.map(|current| Arc::clone(&current)).map_err(|_| Error::General("poisoned".to_owned()))
    }
}

impl Verifiers {
    fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        let authority =
            CertificateDer::from_pem_file(&files.authority).map_err(|_| TlsError::Authority)?;
        roots.add(authority).map_err(|_| TlsError::Authority)?;
        let roots = Arc::new(roots);
        let list = CertificateRevocationListDer::from_pem_file(&files.revocation_list)
            .map_err(|_| TlsError::RevocationList)?;
        let (revoked_serials, list_expires_at_unix_s) = read_list(&list)?;
        let callers = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider())
            .with_crls([list.clone()])
            .enforce_revocation_expiration()
            .build()
            .map_err(|_| TlsError::RevocationList)?;
        let callees = WebPkiServerVerifier::builder_with_provider(roots, provider())
            .with_crls([list])
            .enforce_revocation_expiration()
            .build()
            .map_err(|_| TlsError::RevocationList)?;
        Ok(Self { callers, callees, revoked_serials, list_expires_at_unix_s })
    }
}

fn read_list(list: &CertificateRevocationListDer<'_>) -> Result<(Vec<Vec<u8>>, i64), TlsError> {
    let (_, list) =
        CertificateRevocationList::from_der(list).map_err(|_| TlsError::RevocationList)?;
    let expires = list.next_update().ok_or(TlsError::RevocationList)?.timestamp();
    let serials = list.iter_revoked_certificates().map(|one| one.raw_serial().to_vec()).collect();
    Ok((serials, expires))
}

/// Verifies callers of a listener with the trust of the moment.
#[derive(Debug)]
struct CallerVerifier {
    trust: Arc<Trust>,
}

impl ClientCertVerifier for CallerVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified =
            self.trust.current()?.callers.verify_client_cert(end_entity, intermediates, now)?;
        Certificate::read(end_entity)
            .ok_or(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 only".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trust.current()?.callers.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.current().map(|c| c.callers.supported_verify_schemes()).unwrap_or_default()
    }
}

/// Verifies that the called service is the one that was meant.
#[derive(Debug)]
struct CalleeVerifier {
    trust: Arc<Trust>,
    expected: Expected,
}

impl ServerCertVerifier for CalleeVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let current = self.trust.current()?;
        let verified = current.callees.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        let is_expected = Certificate::read(end_entity)
            .is_some_and(|certificate| self.expected.fits(&certificate.identity));
        if is_expected {
            Ok(verified)
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 only".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trust.current()?.callees.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.current().map(|c| c.callees.supported_verify_schemes()).unwrap_or_default()
    }
}
