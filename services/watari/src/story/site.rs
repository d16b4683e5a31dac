use std::collections::BTreeMap;
use std::fs;

use domain::{OperatorId, ServiceKind};
use wire::Client;
use wire::client::Deadlines;
use wire::tls::{Expected, TlsIdentity};

use crate::house::Addresses;
use crate::{Failure, Settings};
use cast::Layout;

/// A folder that `watari setup` wrote, and where its services are reached.
#[derive(Clone, Debug)]
pub struct Site {
    pub settings: Settings,
    pub layout: Layout,
    pub addresses: Addresses,
}

impl Site {
    pub fn new(settings: Settings) -> Self {
        let (layout, addresses) = (Layout::new(&settings.folder), Addresses::of(&settings));
        Self { settings, layout, addresses }
    }

    /// A client of a service, with the certificate that was issued under `holder`.
    pub fn client(&self, holder: &str, service: ServiceKind) -> Result<Client, Failure> {
        let files = self.layout.tls(holder);
        // Else nobody would hear which one is missing.
        fs::metadata(&files.certificate).map_err(Failure::file(&files.certificate))?;
        let identity = TlsIdentity::load(&files)?;
        let url = self.addresses.url(service);
        Ok(Client::new(&identity, Expected::any(service), url, Deadlines::default())?)
    }
}

/// The generated passwords of the demonstration's people.
#[derive(Clone)]
pub struct Passwords(BTreeMap<String, String>);

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passwords(redacted)")
    }
}

impl Passwords {
    pub fn load(layout: &Layout) -> Result<Self, Failure> {
        let path = layout.passwords();
        let text = fs::read_to_string(&path).map_err(Failure::file(&path))?;
        let fault = "not a list of user = \"password\"".to_owned();
        toml::from_str(&text).map(Self).map_err(|_| Failure::Settings { path, fault })
    }

    pub fn of(&self, operator: &OperatorId) -> Result<&str, Failure> {
        let found = self.0.get(operator.as_str());
        found.map(String::as_str).ok_or(Failure::Claim("passwords.toml names everybody"))
    }
}
