//! Requests as a terminal could send them, also ones that no program of ours would send.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use domain::ServiceKind;
use watari::story::site::Site;

pub(crate) struct Terminal {
    site: Site,
    name: String,
}

impl Terminal {
    pub(crate) fn new(site: &Site, name: &str) -> Self {
        Self { site: site.clone(), name: name.to_owned() }
    }

    pub(crate) fn get(&self, service: ServiceKind, path: &str) -> String {
        self.send(service, path, &[], None)
    }

    pub(crate) fn post(
        &self,
        service: ServiceKind,
        path: &str,
        headers: &[String],
        body: &str,
    ) -> String {
        self.send(service, path, headers, Some(body))
    }

    /// The whole answer, headers included.
    fn send(
        &self,
        service: ServiceKind,
        path: &str,
        headers: &[String],
        body: Option<&str>,
    ) -> String {
        let tls = self.site.layout.tls(&self.name);
        let file = |path: &PathBuf| path.to_str().unwrap().to_owned();
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-i", "--path-as-is", "--max-time", "20"]);
        curl.args(["--cacert", &file(&tls.authority), "--cert", &file(&tls.certificate)]);
        curl.args(["--key", &file(&tls.key)]);
        if body.is_some() {
            curl.args(["-H", "Content-Type: application/json", "--data-binary", "@-"]);
        }
        for header in headers {
            curl.args(["-H", header]);
        }
        curl.arg(format!("{}{path}", self.site.addresses.url(service)));
        let mut curl = curl.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        curl.stdin.take().unwrap().write_all(body.unwrap_or_default().as_bytes()).unwrap();
        let answer = curl.wait_with_output().unwrap();
        assert!(answer.status.success(), "curl {path}");
        String::from_utf8_lossy(&answer.stdout).into_owned()
    }
}
