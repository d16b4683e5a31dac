use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;

use crypto::{KeyStore, SigningKey};
use domain::Clock;
use ledger::{KeyName, Signer};

use crate::Failure;
use cast::Layout;

/// The name of the demonstration's provision log.
pub(super) const LOG_ORIGIN: &str = "watari.example/provision-log";
/// How long a token key counts.
const TOKEN_KEY_S: i64 = 397 * 24 * 60 * 60;

/// The public halves that other services are configured with.
pub(super) struct PublicKeys {
    pub(super) directory: String,
    pub(super) permit: String,
    pub(super) log_verifier: String,
    pub(super) token_not_before_unix_s: i64,
    pub(super) token_not_after_unix_s: i64,
}

pub(super) fn create(layout: &Layout, clock: &dyn Clock) -> Result<PublicKeys, Failure> {
    let folder = layout.keys();
    DirBuilder::new().mode(0o700).create(&folder).map_err(Failure::file(&folder))?;
    let directory = SigningKey::create(&folder.join("directory.pem"))?;
    SigningKey::create(&folder.join("token.pem"))?;
    let permit = SigningKey::create(&folder.join("permit.pem"))?;
    let log = SigningKey::create(&folder.join("provision-log.pem"))?;
    KeyStore::create(&folder.join("key-encryption-key"), &folder.join("rooms"))?;
    let name = KeyName::parse(LOG_ORIGIN).map_err(|_| Failure::Claim("the log has a name"))?;
    let now_unix_s = clock.now().unix_timestamp();
    Ok(PublicKeys {
        directory: directory.verifying_key().encode(),
        permit: permit.verifying_key().encode(),
        log_verifier: Signer::new(name, log.into_ed25519()).verifier().to_string(),
        token_not_before_unix_s: now_unix_s - 60,
        token_not_after_unix_s: now_unix_s + TOKEN_KEY_S,
    })
}
