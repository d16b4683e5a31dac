use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::ServiceKind;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use wire::tls::{Expected, TlsFiles, TlsIdentity};

use crate::support::World;

/// Who has said nothing after this long does not answer.  Under load one refused connection in some
/// thousands takes all of it: a request that the HTTP client hands to a connection in the moment it
/// ends lies in a queue which the waiting request itself keeps alive, until its time is over.
const PATIENCE: Duration = Duration::from_secs(15);

/// A line to one service under one certificate; what comes back is kept as it came.
pub(super) struct Line {
    http: reqwest::Client,
    url: String,
}

/// Everything an answer says.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// With the certificate in these files, to a service of this kind.
pub(super) fn credentials(files: &TlsFiles, kind: ServiceKind) -> ClientConfig {
    TlsIdentity::load(files).unwrap().client_config(Expected::any(kind)).unwrap()
}

/// Trusts the right authority, and shows no certificate of its own.
pub(super) fn no_credentials(world: &World) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let authority = world.site.layout.tls("broker").authority;
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    builder.with_root_certificates(roots).with_no_client_auth()
}

impl Line {
    #[expect(clippy::disallowed_methods, reason = "the tests look at what the client hides")]
    pub(super) fn new(credentials: ClientConfig, url: &str) -> Self {
        let builder = reqwest::Client::builder().tls_backend_preconfigured(credentials);
        let builder = builder.no_proxy().http1_only().redirect(reqwest::redirect::Policy::none());
        let builder = builder.timeout(PATIENCE);
        Self { http: builder.build().unwrap(), url: url.to_owned() }
    }

    /// To a service of this world, as the holder of this certificate.
    pub(super) fn to(world: &World, kind: ServiceKind, holder: &str) -> Self {
        let files = world.site.layout.tls(holder);
        Self::new(credentials(&files, kind), world.site.addresses.url(kind))
    }

    /// Sends a body as JSON; `authorization` is the whole header.
    pub(super) async fn call(
        &self,
        (method, path): (&str, &str),
        authorization: Option<&str>,
        body: &[u8],
    ) -> reqwest::Result<Answer> {
        self.call_as((method, path), "application/json", authorization, body).await
    }

    pub(super) async fn call_as(
        &self,
        (method, path): (&str, &str),
        content_type: &str,
        authorization: Option<&str>,
        body: &[u8],
    ) -> reqwest::Result<Answer> {
        let method: reqwest::Method = method.parse().unwrap();
        let mut call = self.http.request(method, format!("{}{path}", self.url));
        if let Some(authorization) = authorization {
            call = call.header("authorization", authorization);
        }
        if !body.is_empty() {
            call = call.header("content-type", content_type).body(body.to_vec());
            // Of no record; so that a change gets as far as its body.
            call = call.header("if-match", "\"00000000-0000-0000-0000-000000000001-1\"");
        }
        let answer = call.send().await?;
        let text = |value: &reqwest::header::HeaderValue| {
            String::from_utf8(value.as_bytes().to_vec()).unwrap()
        };
        let headers = answer.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
        let status = answer.status().as_u16();
        Ok(Answer { status, headers, body: answer.bytes().await?.to_vec() })
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, headers, body } = self;
        write!(f, "{status} {headers:?} {}", String::from_utf8_lossy(body))
    }
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The problem's word, or nothing.
    pub(super) fn code(&self) -> String {
        let json = self.json();
        let in_fhir = json.pointer("/issue/0/details/coding/0/code");
        in_fhir.unwrap_or(&json["code"]).as_str().unwrap_or_default().to_owned()
    }

    /// Which part of the request is at fault, or nothing.
    pub(super) fn field(&self) -> String {
        let json = self.json();
        let in_fhir = json.pointer("/issue/0/expression/0");
        in_fhir.unwrap_or(&json["field"]).as_str().unwrap_or_default().to_owned()
    }

    /// The same for every request that is refused alike.
    pub(super) fn without_ids(&self) -> Self {
        let mut same = self.clone();
        // Whether the line stays open depends on what of the request was left unread.
        for name in ["date", "connection", wire::client::REQUEST_ID_HEADER] {
            same.headers.remove(name);
        }
        let mut body = self.json();
        if let Some(id) = body.get_mut("requestId") {
            assert!(id.as_str().is_some_and(|id| !id.is_empty()), "a problem names its request");
            *id = Value::Null;
        }
        // The seconds left pass while one asks.
        if let Some(seconds) = body.get_mut("retryAfterS") {
            assert!(seconds.as_u64().is_some_and(|seconds| seconds >= 1));
            *seconds = Value::Null;
        }
        if !body.is_null() {
            same.body = body.to_string().into_bytes();
        }
        same
    }

    /// All that came, for a look whether something is repeated.
    pub(super) fn text(&self) -> String {
        format!("{:?} {}", self.headers, String::from_utf8_lossy(&self.body)).to_lowercase()
    }
}
