//! A line to one service under one certificate; what comes back is kept as it came.

use std::collections::BTreeMap;

use domain::ServiceKind;
use serde_json::Value;
use wire::tls::{Expected, TlsIdentity};

use crate::support::World;

pub(super) struct Door {
    http: reqwest::Client,
    url: String,
    /// The whole header, where somebody is logged in.
    authorization: Option<String>,
}

pub(super) struct Heard {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

impl Door {
    /// To the partition, with the certificate of this holder.
    #[expect(clippy::disallowed_methods, reason = "the tests look at what the client hides")]
    pub(super) fn of(world: &World, holder: &str, token: Option<&str>) -> Self {
        let kind = ServiceKind::Partition;
        let identity = TlsIdentity::load(&world.site.layout.tls(holder)).unwrap();
        let credentials = identity.client_config(Expected::any(kind)).unwrap();
        let builder = reqwest::Client::builder().tls_backend_preconfigured(credentials);
        let http = builder.no_proxy().http1_only().build().unwrap();
        let authorization = token.map(|token| format!("Bearer {token}"));
        Self { http, url: world.site.addresses.url(kind).to_owned(), authorization }
    }

    /// Says something in JSON.
    pub(super) async fn say(&self, path: &str, body: &Value) -> Heard {
        self.say_with(path, &[("content-type", "application/json")], body.to_string()).await
    }

    /// The same about one version of a record.
    pub(super) async fn change(&self, path: &str, etag: &str, body: &Value) -> Heard {
        let headers = [("content-type", "application/json"), ("if-match", etag)];
        self.say_with(path, &headers, body.to_string()).await
    }

    pub(super) async fn say_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Heard {
        let mut call = self.http.post(format!("{}{path}", self.url)).body(body);
        for (name, value) in headers {
            call = call.header(*name, *value);
        }
        if let Some(authorization) = &self.authorization {
            call = call.header("authorization", authorization);
        }
        let answer = call.send().await.unwrap();
        let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = answer.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
        let status = answer.status().as_u16();
        Heard { status, headers, body: answer.bytes().await.unwrap().to_vec() }
    }
}

impl Heard {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// What was answered, where it went well.
    pub(super) fn good(self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()
    }

    /// Status and our own word for the problem.
    pub(super) fn refusal(&self) -> (u16, String) {
        let json = self.json();
        let code = match &json["resourceType"] {
            Value::Null => &json["code"],
            _ => &json["issue"][0]["details"]["coding"][0]["code"],
        };
        (self.status, code.as_str().unwrap_or_default().to_owned())
    }
}
