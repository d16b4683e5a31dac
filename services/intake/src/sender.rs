use domain::{Actor, MunicipalityCode, TerminalId};
use service::{ApiError, Caller, problems};

/// A device as its certificate names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name {
    pub(crate) municipality: MunicipalityCode,
    pub(crate) device: TerminalId,
}

/// Who hands in, proven by the certificate of this connection.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) name: Name,
    pub(crate) thumbprint: [u8; 32],
}

impl Sender {
    pub(crate) fn of(caller: &Caller) -> Result<Self, ApiError> {
        let Actor::Device { municipality, device } = &caller.context.actor else {
            return Err(ApiError::new(&problems::DENIED));
        };
        let name = Name { municipality: *municipality, device: device.clone() };
        Ok(Self { name, thumbprint: caller.peer.thumbprint })
    }
}
