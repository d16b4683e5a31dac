use domain::ServiceKind;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use wire::PeerIdentity;
use wire::tls::{TlsError, TlsFiles, TlsIdentity};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{Trouble, files};

const DAY_S: i64 = 24 * 60 * 60;
/// A certificate that ends sooner than this should be replaced now.
const SOON_DAYS: i64 = 14;

/// The certificate is whole, private, this kind of service's, and valid for a while.
pub(super) fn certificate(
    files: &TlsFiles,
    kind: ServiceKind,
    now_unix_s: i64,
) -> Result<String, Trouble> {
    let next = "issue a new certificate, then start the service again";
    files::private(&files.key)?;
    let identity = load(files)?;
    let certificate = identity.certificate().map_err(|error| Trouble::new(error, next))?;
    if !matches!(&certificate.identity, PeerIdentity::Service { kind: own, .. } if *own == kind) {
        return Err(Trouble::new("the certificate is not this kind of service's", next));
    }
    let (from, until) = validity(files).ok_or_else(|| Trouble::new(TlsError::Certificate, next))?;
    let days = (until - now_unix_s).div_euclid(DAY_S);
    if now_unix_s < from {
        return Err(Trouble::new("the certificate is not valid yet", "check this machine's clock"));
    }
    if days < SOON_DAYS {
        return Err(Trouble::new(format!("the certificate has {} days left", days.max(0)), next));
    }
    Ok(format!("{days} days left"))
}

/// The revocation list is this authority's and has not expired: an expired one trusts nobody.
pub(super) fn list(files: &TlsFiles, now_unix_s: i64) -> Result<String, Trouble> {
    let next = "`watari setup --data DIR` renews the list of a private authority";
    let identity = load(files)?;
    let until = identity.trust.list_expires_at_unix_s();
    let left_s = until.map_or(0, |until| until - now_unix_s);
    if left_s <= 0 {
        return Err(Trouble::new("the list has expired, so nobody is trusted", next));
    }
    if left_s < DAY_S {
        return Err(Trouble::new("the list expires within a day", next));
    }
    Ok(format!("{} days left", left_s / DAY_S))
}

fn load(files: &TlsFiles) -> Result<TlsIdentity, Trouble> {
    TlsIdentity::load(files).map_err(|error| {
        Trouble::new(error, format!("look at the files beside '{}'", files.certificate.display()))
    })
}

fn validity(files: &TlsFiles) -> Option<(i64, i64)> {
    let der = CertificateDer::from_pem_file(&files.certificate).ok()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    let validity = certificate.validity();
    Some((validity.not_before.timestamp(), validity.not_after.timestamp()))
}
