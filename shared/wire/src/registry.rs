//! What is said to the registry: log-in, the signed directory, revocations, registrations.

use domain::{MunicipalityCode, OperatorId, Role, TerminalId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Base64Bytes, WirePassword};

pub const LOG_IN: &str = "/v1/sessions";
pub const LOG_OUT: &str = "/v1/sessions/end";
pub const DIRECTORY: &str = "/v1/directory";
pub const REVOCATIONS: &str = "/v1/revocations";
pub const MUNICIPALITIES: &str = "/v1/municipalities";
pub const KEYS: &str = "/v1/municipalities/keys";
pub const TERMINALS: &str = "/v1/terminals";
pub const TERMINALS_REVOKE: &str = "/v1/terminals/revoke";
pub const OPERATORS: &str = "/v1/operators";
pub const OPERATORS_SUSPEND: &str = "/v1/operators/suspend";
pub const ACCESS_LOG_LIST: &str = "/v1/access-log/list";

/// Log-in by user id and password (C037), only from a registered terminal (C039).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogInRequest {
    #[schema(value_type = String, example = "clerk-koriyama")]
    pub user_id: String,
    #[schema(value_type = String, format = Password)]
    pub password: WirePassword,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogInAnswer {
    /// Send as `Authorization: Bearer …`, from the same terminal only.
    pub token: String,
    /// Seconds since 1970, UTC.
    pub expires_at_unix_s: i64,
    #[schema(value_type = Option<String>)]
    pub municipality: Option<MunicipalityCode>,
    #[schema(value_type = String)]
    pub role: Role,
    /// When this user last logged in, for the user to check.
    pub last_log_in_at_unix_s: Option<i64>,
}

impl std::fmt::Debug for LogInAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LogInAnswer(redacted)")
    }
}

/// What a log-in token says (RFC 8725, RFC 9068); bound to the terminal's certificate (RFC 8705).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenClaims {
    pub iss: String,
    pub aud: String,
    pub sub: OperatorId,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
    /// The session, so that log-out revokes this token.
    pub jti: String,
    pub role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub municipality: Option<MunicipalityCode>,
    pub cnf: Confirmation,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Confirmation {
    /// SHA-256 of the terminal's certificate, base64.
    #[serde(rename = "x5t#S256")]
    pub thumbprint: Base64Bytes,
}

/// Issuer and audience of log-in tokens.
pub const TOKEN_ISSUER: &str = "watari-registry";
pub const TOKEN_AUDIENCE: &str = "watari";

/// A body with the registry's signature over its exact bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Signed {
    /// JSON text of the signed document.
    pub body: String,
    /// Ed25519 over the purpose and the body.
    #[schema(value_type = String, format = Byte)]
    pub signature: Base64Bytes,
}

/// Who takes part, where they are reached, and their public keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Directory {
    /// Grows with every change; an older directory is never accepted after a newer one.
    pub sequence: i64,
    pub issued_at_unix_s: i64,
    /// After this the directory must not be used any more.
    pub expires_at_unix_s: i64,
    pub municipalities: Vec<DirectoryEntry>,
    /// Keys that verify log-in tokens.
    pub token_keys: Vec<PublishedKey>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DirectoryEntry {
    pub municipality: MunicipalityCode,
    /// The partition instance that hosts the room, as its certificate names it.
    pub host: String,
    /// Where that instance is reached.
    pub url: String,
    pub sealing_keys: Vec<PublishedKey>,
    pub signing_keys: Vec<PublishedKey>,
}

/// A public key and when it may be used.  Validities overlap when a key is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublishedKey {
    pub id: u32,
    #[schema(value_type = String, format = Byte)]
    pub key: Base64Bytes,
    pub not_before_unix_s: i64,
    pub not_after_unix_s: i64,
}

impl PublishedKey {
    pub fn is_valid_at(&self, unix_s: i64) -> bool {
        (self.not_before_unix_s..=self.not_after_unix_s).contains(&unix_s)
    }
}

/// What no longer counts although its token or certificate has not expired.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revocations {
    pub issued_at_unix_s: i64,
    /// Sessions that ended by log-out and whose tokens have not expired yet.
    pub sessions: Vec<String>,
    pub operators: Vec<OperatorId>,
    /// SHA-256 of the certificates of revoked terminals.
    pub terminals: Vec<Base64Bytes>,
}

/// A municipality joins; its room is hosted by the named partition instance.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterMunicipality {
    #[schema(value_type = String, example = "131211")]
    pub municipality: MunicipalityCode,
    pub host: String,
    pub url: String,
}

/// The host publishes a room's public keys.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublishKeys {
    #[schema(value_type = String, example = "131211")]
    pub municipality: MunicipalityCode,
    pub sealing_keys: Vec<PublishedKey>,
    pub signing_keys: Vec<PublishedKey>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterTerminal {
    #[schema(value_type = String)]
    pub terminal: TerminalId,
    /// Absent for a terminal of national operations.
    #[schema(value_type = Option<String>)]
    pub municipality: Option<MunicipalityCode>,
    /// SHA-256 of the terminal's certificate.
    #[schema(value_type = String, format = Byte)]
    pub thumbprint: Base64Bytes,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RevokeTerminal {
    #[schema(value_type = String)]
    pub terminal: TerminalId,
    #[schema(value_type = Option<String>)]
    pub municipality: Option<MunicipalityCode>,
}

/// A person registered with the nation beforehand (C038); ids are never shared (C040).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterOperator {
    #[schema(value_type = String)]
    pub operator: OperatorId,
    #[schema(value_type = Option<String>)]
    pub municipality: Option<MunicipalityCode>,
    #[schema(value_type = String)]
    pub role: Role,
    #[schema(value_type = String, format = Password)]
    pub password: WirePassword,
}

/// Takes effect everywhere within seconds (C055).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SuspendOperator {
    #[schema(value_type = String)]
    pub operator: OperatorId,
}

/// A page of the access log, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListAccess {
    /// Whose lines; a supervisor reads the own municipality's.  Absent for everybody's, which only
    /// national operations read.
    #[schema(value_type = Option<String>, example = "131211")]
    pub municipality: Option<MunicipalityCode>,
    /// First sequence number wanted.
    pub from: u64,
    /// At most 1,000.
    pub limit: u16,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessLog {
    pub lines: Vec<AccessLine>,
}

/// A line of the access log: who, when, from where, what, with which result (C103, C109, C110).
///
/// Its JSON bytes, as they were written first, are a leaf of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessLine {
    /// Place in the log, from 0 without gaps.
    pub sequence: u64,
    pub at_unix_ms: i64,
    /// The operator, proven by a token or by the password.
    #[schema(value_type = Option<String>)]
    pub operator: Option<OperatorId>,
    /// A registered operator whom somebody claimed to be and did not prove to be.
    #[schema(value_type = Option<String>)]
    pub claimed: Option<OperatorId>,
    /// The service that acted, kind and instance, as its certificate proves.
    pub service: Option<String>,
    /// The terminal, as its certificate proves, and its municipality; 000000 is national operations.
    #[schema(value_type = Option<String>)]
    pub terminal: Option<TerminalId>,
    pub municipality: Option<String>,
    /// What was done or asked for.
    pub action: String,
    /// Id of what was registered, changed or read.
    pub object: Option<String>,
    /// The municipality whose line this is: the object's, or else the terminal's.
    pub concerns: Option<String>,
    /// How it ended: done, or why not.
    pub result: String,
    /// Id of the request, the same in every service.
    pub request: String,
}
