//! A private certificate authority: for the demonstration, for tests, for a first installation.
//!
//! A national roll-out brings its own authority; services only ever see PEM files.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use domain::Clock;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use time::{Duration, OffsetDateTime};
use wire::identity::{Certificate, PeerIdentity};
use wire::tls::TlsFiles;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _};

const AUTHORITY_LIFE: Duration = Duration::days(3_650);
const CERTIFICATE_LIFE: Duration = Duration::days(397);
const LIST_LIFE: Duration = Duration::days(30);

#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    #[error("a file of the certificate authority can't be read or written")]
    File(#[from] std::io::Error),
    #[error("a certificate can't be made")]
    Certificate(#[from] rcgen::Error),
    #[error("the certificate authority's files are not readable")]
    Unreadable,
}

/// The authority's folder: its certificate, key, revocation list and what it revoked.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    now: OffsetDateTime,
}

/// PEM files of one holder.
#[derive(Clone, Debug)]
pub struct Issued {
    pub files: TlsFiles,
    /// SHA-256 of the certificate.
    pub thumbprint: [u8; 32],
    pub serial: Vec<u8>,
}

impl Authority {
    /// Makes a new authority in an existing folder, with an empty revocation list.
    pub fn create(folder: &Path, clock: &dyn Clock) -> Result<Self, PkiError> {
        let now = clock.now();
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "Watari private authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = now - Duration::minutes(5);
        params.not_after = now + AUTHORITY_LIFE;
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        write_public(&folder.join("authority.pem"), &certificate.pem())?;
        write_private(&folder.join("authority-key.pem"), &key.serialize_pem())?;
        let authority = Self { folder: folder.to_owned(), issuer: Issuer::new(params, key), now };
        authority.write_list(&[])?;
        Ok(authority)
    }

    /// Opens an authority made earlier.
    pub fn open(folder: &Path, clock: &dyn Clock) -> Result<Self, PkiError> {
        let key = KeyPair::from_pem(&fs::read_to_string(folder.join("authority-key.pem"))?)?;
        let certificate = fs::read_to_string(folder.join("authority.pem"))?;
        let issuer = Issuer::from_ca_cert_pem(&certificate, key)?;
        Ok(Self { folder: folder.to_owned(), issuer, now: clock.now() })
    }

    /// Issues a certificate for `identity`, reachable as the given DNS names or addresses.
    pub fn issue(
        &self,
        identity: &PeerIdentity,
        hosts: &[&str],
        name: &str,
    ) -> Result<Issued, PkiError> {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts)?;
        params.subject_alt_names.push(SanType::URI(Ia5String::try_from(identity.to_uri())?));
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = self.now - Duration::minutes(5);
        params.not_after = self.now + CERTIFICATE_LIFE;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = match identity {
            PeerIdentity::Service { .. } => {
                vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]
            }
            PeerIdentity::Terminal { .. }
            | PeerIdentity::System { .. }
            | PeerIdentity::Device { .. } => vec![ExtendedKeyUsagePurpose::ClientAuth],
        };
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let files = self.files(name);
        write_public(&files.certificate, &certificate.pem())?;
        write_private(&files.key, &key.serialize_pem())?;
        let serial = Certificate::read(certificate.der()).ok_or(PkiError::Unreadable)?.serial;
        Ok(Issued { files, thumbprint: crypto::sha256(certificate.der()), serial })
    }

    /// Where the files of the holder called `name` are.
    pub fn files(&self, name: &str) -> TlsFiles {
        TlsFiles {
            authority: self.folder.join("authority.pem"),
            revocation_list: self.folder.join("revoked.pem"),
            certificate: self.folder.join(format!("{name}.pem")),
            key: self.folder.join(format!("{name}-key.pem")),
        }
    }

    /// Reads back what was issued under `name`.
    pub fn issued(&self, name: &str) -> Result<Issued, PkiError> {
        let files = self.files(name);
        let der =
            CertificateDer::from_pem_file(&files.certificate).map_err(|_| PkiError::Unreadable)?;
        let serial = Certificate::read(&der).ok_or(PkiError::Unreadable)?.serial;
        Ok(Issued { files, thumbprint: crypto::sha256(&der), serial })
    }

    /// Writes the list anew for the next thirty days, with what it revoked before.
    pub fn renew_list(&self) -> Result<(), PkiError> {
        let unreadable = |_| PkiError::Unreadable;
        let list = CertificateRevocationListDer::from_pem_file(self.folder.join("revoked.pem"));
        let list = list.map_err(|_| PkiError::Unreadable)?;
        let (_, list) = CertificateRevocationList::from_der(&list).map_err(unreadable)?;
        let revoked = list.iter_revoked_certificates().map(|one| one.raw_serial().to_vec());
        self.write_list(&revoked.collect::<Vec<_>>())
    }

    /// Writes a fresh revocation list of exactly these serial numbers.
    pub fn write_list(&self, serials: &[Vec<u8>]) -> Result<(), PkiError> {
        self.write_list_until(serials, self.now + LIST_LIFE)
    }

    /// The same, with the moment from which the list trusts nobody.
    pub fn write_list_until(
        &self,
        serials: &[Vec<u8>],
        until: OffsetDateTime,
    ) -> Result<(), PkiError> {
        let revoked = |serial: &Vec<u8>| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: self.now,
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: self.now - Duration::minutes(5),
            next_update: until,
            crl_number: SerialNumber::from(self.now.unix_timestamp().unsigned_abs()),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = params.signed_by(&self.issuer)?;
        write_public(&self.folder.join("revoked.pem"), &list.pem()?)
    }
}

/// Replaces a file as a whole, so that a service reading it again never sees half of it.
fn write_public(path: &Path, text: &str) -> Result<(), PkiError> {
    let fresh = path.with_extension("fresh");
    fs::write(&fresh, text)?;
    Ok(fs::rename(fresh, path)?)
}

fn write_private(path: &Path, text: &str) -> Result<(), PkiError> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(file.sync_all()?)
}
