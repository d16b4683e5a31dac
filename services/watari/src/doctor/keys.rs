use crypto::{KeyStore, SigningKey};
use domain::ServiceKind;

use super::Trouble;
use crate::{Failure, Settings};

const PIN: &str = "compare the public keys in watari.toml with the key files";

/// The key files open, and the public halves pinned elsewhere in this file are theirs.
pub(super) fn keys(settings: &Settings, kind: ServiceKind) -> Result<String, Trouble> {
    let state = match kind {
        ServiceKind::Registry => registry(settings),
        ServiceKind::ProvisionLog => provision_log(settings),
        ServiceKind::Broker => broker(settings),
        ServiceKind::Intake => Ok((true, "none, as it should be".to_owned())),
        ServiceKind::Partition => partition(settings),
    };
    match state {
        Ok((true, state)) => Ok(state),
        Ok((false, state)) => Err(Trouble::new(state, PIN)),
        Err(failure) => Err(Trouble::new(failure.chain(), "restore the key file, mode 600")),
    }
}

type State = Result<(bool, String), Failure>;

fn registry(settings: &Settings) -> State {
    let config = settings.registry()?;
    let key = SigningKey::load(&config.directory_key)?.verifying_key().encode();
    SigningKey::load(&config.token_key.file)?;
    let pinned = settings.participants.as_ref().map(|participants| &participants.directory_key);
    Ok(match pinned {
        Some(pinned) if *pinned != key => (false, "another directory key is pinned".to_owned()),
        _ => (true, "directory and token key open".to_owned()),
    })
}

fn provision_log(settings: &Settings) -> State {
    let config = settings.provision_log()?;
    let refused = |source| Failure::Start { service: "provision-log", source };
    let verifier = config.signer().map_err(refused)?.verifier().to_string();
    let is_pinned = match &settings.partition {
        Some(partition) => {
            partition.log_verifiers.contains(&verifier) && partition.log_origin == config.origin
        }
        None => true,
    };
    let fault = "the partition pins another verifier or origin of the log";
    Ok((is_pinned, if is_pinned { verifier } else { fault.to_owned() }))
}

fn broker(settings: &Settings) -> State {
    let key = SigningKey::load(&settings.broker()?.permit_key)?.verifying_key().encode();
    let is_pinned = settings.partition.as_ref().is_none_or(|p| p.permit_keys.contains(&key));
    let state =
        if is_pinned { "permit key opens" } else { "the partition pins another permit key" };
    Ok((is_pinned, state.to_owned()))
}

fn partition(settings: &Settings) -> State {
    let config = settings.partition()?;
    let store = KeyStore::open(&config.keys.key_encryption_key, &config.keys.folder)?;
    let mut with_keys = 0;
    for municipality in &config.municipalities {
        with_keys += usize::from(store.room(*municipality)?.is_some());
    }
    let all = config.municipalities.len();
    Ok((true, format!("key store opens; {with_keys} of {all} rooms have keys")))
}
