//! Who is on the other end of a line: read from the URI in the peer's certificate.
//!
//! `watari://service/<kind>/<instance>` for services,
//! `watari://terminal/<municipality code>/<terminal id>` for terminals; the code `000000` stands
//! for national operations; `watari://system/<municipality code>/<name>` for a municipality's own
//! systems and `watari://device/<municipality code>/<name>` for venue devices.

use domain::{MunicipalityCode, ServiceKind, TerminalId};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The municipality field of national operations' terminals.
pub const NATIONAL: &str = "000000";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerIdentity {
    Service { kind: ServiceKind, instance: String },
    Terminal { municipality: Option<MunicipalityCode>, terminal: TerminalId },
    System { municipality: MunicipalityCode, system: TerminalId },
    Device { municipality: MunicipalityCode, device: TerminalId },
}

/// What a certificate says about its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub identity: PeerIdentity,
    /// Big-endian serial number, as a revocation list names it.
    pub serial: Vec<u8>,
}

impl PeerIdentity {
    pub fn service(kind: ServiceKind, instance: &str) -> Self {
        Self::Service { kind, instance: instance.to_owned() }
    }

    pub fn parse(uri: &str) -> Option<Self> {
        let mut parts = uri.strip_prefix("watari://")?.split('/');
        let identity = match (parts.next()?, parts.next()?, parts.next()?) {
            ("service", kind, instance) => Self::Service {
                kind: ServiceKind::parse(kind)?,
                instance: TerminalId::parse(instance).ok()?.as_str().to_owned(),
            },
            ("terminal", code, terminal) => Self::Terminal {
                municipality: match code {
                    NATIONAL => None,
                    code => Some(MunicipalityCode::parse(code).ok()?),
                },
                terminal: TerminalId::parse(terminal).ok()?,
            },
            ("system", code, system) => Self::System {
                municipality: MunicipalityCode::parse(code).ok()?,
                system: TerminalId::parse(system).ok()?,
            },
            ("device", code, device) => Self::Device {
                municipality: MunicipalityCode::parse(code).ok()?,
                device: TerminalId::parse(device).ok()?,
            },
            _ => return None,
        };
        parts.next().is_none().then_some(identity)
    }

    pub fn to_uri(&self) -> String {
        match self {
            Self::Service { kind, instance } => format!("watari://service/{kind}/{instance}"),
            Self::Terminal { municipality, terminal } => {
                let code = municipality.map_or(NATIONAL.to_owned(), |code| code.to_string());
                format!("watari://terminal/{code}/{terminal}")
            }
            Self::System { municipality, system } => {
                format!("watari://system/{municipality}/{system}")
            }
            Self::Device { municipality, device } => {
                format!("watari://device/{municipality}/{device}")
            }
        }
    }
}

impl Certificate {
    /// Reads a DER certificate; `None` if it names nobody of ours, or more than one.
    pub fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = certificate.subject_alternative_name().ok()??;
        let mut uris = names.value.general_names.iter().filter_map(|name| match name {
            GeneralName::URI(uri) => Some(*uri),
            _ => None,
        });
        let identity = PeerIdentity::parse(uris.next()?)?;
        let serial = certificate.raw_serial().to_vec();
        uris.next().is_none().then_some(Self { identity, serial })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_come_back_from_their_uri() {
        let terminal = |municipality| PeerIdentity::Terminal {
            municipality,
            terminal: TerminalId::parse("t-1").unwrap(),
        };
        for identity in [
            PeerIdentity::service(ServiceKind::ProvisionLog, "main"),
            PeerIdentity::System {
                municipality: MunicipalityCode::parse("131211").unwrap(),
                system: TerminalId::parse("ledger").unwrap(),
            },
            PeerIdentity::Device {
                municipality: MunicipalityCode::parse("131211").unwrap(),
                device: TerminalId::parse("tablet-1").unwrap(),
            },
            terminal(None),
            terminal(Some(MunicipalityCode::parse("131211").unwrap())),
        ] {
            assert_eq!(PeerIdentity::parse(&identity.to_uri()), Some(identity));
        }
    }

    #[test]
    fn other_uris_name_nobody() {
        for uri in [
            "https://example.org",
            "watari://service/king/main",
            "watari://terminal/131212/t",
            "watari://terminal/131211/t/u",
            "watari://terminal/131211/",
            "watari://service/broker",
        ] {
            assert_eq!(PeerIdentity::parse(uri), None, "{uri}");
        }
    }
}
