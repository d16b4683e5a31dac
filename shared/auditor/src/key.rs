use std::path::PathBuf;

use clap::Args;
use crypto::SigningKey;
use ledger::{KeyName, Signer, WitnessVerifier};

use crate::{Failure, Said};

#[derive(Debug, Args)]
pub struct Key {
    /// How signatures are told apart, such as `log.example/custodian/kimura`
    #[arg(long, value_parser = KeyName::parse)]
    name: KeyName,
    /// The new file for the private key (PEM)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Key {
    /// Says what goes into `custodians`.
    pub(crate) fn custodian(self) -> Result<Said, Failure> {
        let key = SigningKey::create(&self.out)?;
        Ok(Signer::new(self.name, key.into_ed25519()).verifier().to_string().into())
    }

    /// Says what `--witness-key` takes.
    pub(crate) fn witness(self) -> Result<Said, Failure> {
        let key = SigningKey::create(&self.out)?.verifying_key().to_ed25519();
        Ok(WitnessVerifier::new(self.name, key).to_string().into())
    }
}
