//! The demonstration's cast: three municipalities, the people who work there, residents who never
//! lived, and where the folder that `watari setup` writes for them keeps its files.
//!
//! Invariant: nobody in here can be mistaken for a living person.

pub mod layout;
pub mod residents;

use domain::municipality::InvalidMunicipalityCode;
use domain::text_id::InvalidTextId;
use domain::{MunicipalityCode, OperatorId, Role, TerminalId};

pub use self::layout::Layout;
pub use self::residents::{Resident, Residents};

/// Everybody in the demonstration.
#[derive(Clone, Debug)]
pub struct Cast {
    /// Where most people move away from.
    pub adachi: Town,
    /// Where they move to.
    pub koriyama: Town,
    /// A third one, so that "the wrong municipality" can be asked.
    pub uruma: Town,
    pub national: Person,
}

/// A municipality with its terminal, two people and the system that keeps its ledger.
#[derive(Clone, Debug)]
pub struct Town {
    pub name: &'static str,
    pub code: MunicipalityCode,
    pub clerk: Person,
    pub supervisor: Person,
    /// Its certificate's name.
    pub ledger: TerminalId,
}

/// An operator and the terminal where this person works.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: OperatorId,
    pub role: Role,
    /// `None` for national operations.
    pub municipality: Option<MunicipalityCode>,
    pub terminal: TerminalId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cast of the demonstration is misspelt")]
pub struct Misspelt;

impl From<InvalidMunicipalityCode> for Misspelt {
    fn from(_: InvalidMunicipalityCode) -> Self {
        Self
    }
}

impl From<InvalidTextId> for Misspelt {
    fn from(_: InvalidTextId) -> Self {
        Self
    }
}

impl Cast {
    pub fn new() -> Result<Self, Misspelt> {
        Ok(Self {
            adachi: Town::new("Adachi", "131211")?,
            koriyama: Town::new("Koriyama", "072036")?,
            uruma: Town::new("Uruma", "472131")?,
            national: Person {
                id: OperatorId::parse("national-1")?,
                role: Role::National,
                municipality: None,
                terminal: TerminalId::parse("terminal-national")?,
            },
        })
    }

    pub fn towns(&self) -> [&Town; 3] {
        [&self.adachi, &self.koriyama, &self.uruma]
    }

    pub fn people(&self) -> impl Iterator<Item = &Person> {
        let towns = self.towns().into_iter();
        towns.flat_map(|town| [&town.clerk, &town.supervisor]).chain([&self.national])
    }
}

impl Town {
    fn new(name: &'static str, code: &str) -> Result<Self, Misspelt> {
        let code = MunicipalityCode::parse(code)?;
        let word = name.to_lowercase();
        let terminal = TerminalId::parse(&format!("terminal-{word}"))?;
        let person = |job: &str, role| {
            let id = OperatorId::parse(&format!("{job}-{word}"))?;
            Ok::<_, Misspelt>(Person {
                id,
                role,
                municipality: Some(code),
                terminal: terminal.clone(),
            })
        };
        let clerk = person("clerk", Role::Clerk)?;
        let supervisor = person("supervisor", Role::Supervisor)?;
        let ledger = TerminalId::parse(&format!("ledger-{word}"))?;
        Ok(Self { name, code, clerk, supervisor, ledger })
    }

    pub fn terminal(&self) -> &TerminalId {
        &self.clerk.terminal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cast_is_spelt_right() {
        let cast = Cast::new().unwrap();
        assert_eq!(cast.people().count(), 7);
        assert_eq!(cast.koriyama.clerk.id.as_str(), "clerk-koriyama");
    }
}
