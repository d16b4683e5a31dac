use domain::ServiceKind;

use super::keys::{LOG_ORIGIN, PublicKeys};
use super::{Plan, WITH_DATABASE};
use crate::services;
use cast::Cast;

/// Everything `watari.toml` says.
pub(super) struct TomlText<'a> {
    pub(super) plan: &'a Plan,
    pub(super) cast: &'a Cast,
    pub(super) public: &'a PublicKeys,
    /// Database lines in the order of `WITH_DATABASE`.
    pub(super) urls: &'a [String],
}

impl TomlText<'_> {
    pub(super) fn write(&self) -> String {
        let PublicKeys { directory, permit, log_verifier, .. } = self.public;
        let PublicKeys { token_not_before_unix_s, token_not_after_unix_s, .. } = self.public;
        let towns = self.cast.towns().map(|town| format!("\"{}\"", town.code)).join(", ");
        let poll_ms = self.plan.poll_ms;
        let url = |kind| format!("https://{}", self.address(kind));
        format!(
            "# Written by `watari setup`; deploy/watari.example.toml describes every field.\n\
             # Paths are relative to this file.\n\n\
             [participants]\n\
             url = \"{registry}\"\n\
             directory_key = \"{directory}\"\n\
             poll_ms = {poll_ms}\n\n\
             [registry]\n\
             directory_key = \"keys/directory.pem\"\n\
             {registry_common}\
             [registry.token_key]\n\
             file = \"keys/token.pem\"\n\
             id = 1\n\
             not_before_unix_s = {token_not_before_unix_s}\n\
             not_after_unix_s = {token_not_after_unix_s}\n\n\
             [provision-log]\n\
             origin = \"{LOG_ORIGIN}\"\n\
             signing_key = \"keys/provision-log.pem\"\n\
             head_file = \"provision-log.head\"\n\
             custodians = []\n\
             {log_common}\
             [broker]\n\
             provision_log_url = \"{log}\"\n\
             permit_key = \"keys/permit.pem\"\n\
             {broker_common}\
             {intake_common}\
             [partition]\n\
             municipalities = [{towns}]\n\
             broker_url = \"{broker}\"\n\
             provision_log_url = \"{log}\"\n\
             intake_url = \"{intake}\"\n\
             permit_keys = [\"{permit}\"]\n\
             log_verifiers = [\"{log_verifier}\"]\n\
             log_origin = \"{LOG_ORIGIN}\"\n\
             {partition_common}\
             [partition.keys]\n\
             key_encryption_key = \"keys/key-encryption-key\"\n\
             folder = \"keys/rooms\"\n",
            registry = url(ServiceKind::Registry),
            log = url(ServiceKind::ProvisionLog),
            broker = url(ServiceKind::Broker),
            intake = url(ServiceKind::Intake),
            registry_common = self.common(ServiceKind::Registry),
            log_common = self.common(ServiceKind::ProvisionLog),
            broker_common = self.common(ServiceKind::Broker),
            intake_common = self.common(ServiceKind::Intake),
            partition_common = self.common(ServiceKind::Partition),
        )
    }

    /// The sections that every service has.
    fn common(&self, kind: ServiceKind) -> String {
        let address = self.address(kind);
        let mut databases = WITH_DATABASE.into_iter().zip(self.urls);
        let database = databases.find(|(one, _)| *one == kind);
        let database = database.map(|(_, url)| format!("[{kind}.database]\n{url}\n\n"));
        let database = database.unwrap_or_default();
        format!(
            "\n[{kind}.listen]\naddress = \"{address}\"\n\n\
             [{kind}.tls]\n\
             authority = \"pki/authority.pem\"\n\
             revocation_list = \"pki/revoked.pem\"\n\
             certificate = \"pki/{kind}.pem\"\n\
             key = \"pki/{kind}-key.pem\"\n\n{database}"
        )
    }

    fn address(&self, kind: ServiceKind) -> String {
        let place = services::IN_ORDER.into_iter().position(|one| one == kind);
        let offset = place.and_then(|place| u16::try_from(place).ok()).unwrap_or_default();
        let port = self.plan.base_port.map_or(0, |base| base.saturating_add(offset));
        format!("127.0.0.1:{port}")
    }
}
