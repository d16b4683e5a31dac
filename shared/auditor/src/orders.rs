//! Orders on their way: drafted by one, signed by custodians on machines of their own.

use std::path::{Path, PathBuf};

use audit::{IndexRange, LiftHold, Order, OrderAct, Scope, read_order, replace_file};
use clap::Args;
use crypto::SigningKey;
use domain::MunicipalityCode;
use ledger::{KeyName, Origin, Signer};
use uuid::Uuid;

use crate::{Failure, Given, Keys, Place, Said};

#[derive(Debug, Args)]
pub(crate) struct Draft {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    keys: Keys,
    /// The new file, to be signed with `watari log sign`
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Hold {
    #[command(flatten)]
    scope: Scopes,
    /// Why, for those who read it years later; no personal data
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    pub(crate) draft: Draft,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Scopes {
    /// From an index up to another, which is not meant any more: FROM..TO
    #[arg(long, value_name = "FROM..TO", value_parser = index_range)]
    range: Option<IndexRange>,
    /// All entries of a municipality, as inquirer or provider
    #[arg(long, value_name = "CODE", value_parser = MunicipalityCode::parse)]
    municipality: Option<MunicipalityCode>,
    /// These entries, such as a person's: INDEX,INDEX,…
    #[arg(long, value_name = "INDICES", value_delimiter = ',')]
    entries: Vec<u64>,
}

#[derive(Debug, Args)]
pub struct Lift {
    /// The id of the hold's order
    #[arg(long, value_name = "ID")]
    hold: Uuid,
    #[command(flatten)]
    pub(crate) draft: Draft,
}

#[derive(Debug, Args)]
pub struct Sign {
    /// The order's file; the signature is added to it
    #[arg(value_name = "ORDER")]
    order: PathBuf,
    /// The custodian's private key (PEM)
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The name the key was made with
    #[arg(long, value_parser = KeyName::parse)]
    name: KeyName,
}

impl Hold {
    pub(crate) fn run(self, given: &Given, now_unix_ms: i64) -> Result<Said, Failure> {
        let Scopes { range, municipality, mut entries } = self.scope;
        entries.sort_unstable();
        entries.dedup();
        let scope = match (range, municipality) {
            (Some(range), _) => Scope::Range(range),
            (None, Some(code)) => Scope::Municipality(code),
            (None, None) => Scope::Entries(entries),
        };
        let order = OrderAct::Hold(audit::Hold { scope, reason: self.reason });
        self.draft.write(order, given, now_unix_ms)
    }
}

impl Lift {
    pub(crate) fn run(&self, given: &Given, now_unix_ms: i64) -> Result<Said, Failure> {
        let order = OrderAct::LiftHold(LiftHold { hold: self.hold });
        self.draft.write(order, given, now_unix_ms)
    }
}

impl Draft {
    fn write(&self, order: OrderAct, given: &Given, now_unix_ms: i64) -> Result<Said, Failure> {
        let origin = self.keys.trust(given)?.origin;
        Ok(write_draft(&self.out, &origin, order, now_unix_ms)?.into())
    }
}

/// Writes an order that nobody has signed yet, and says what it does.
pub(crate) fn write_draft(
    out: &Path,
    origin: &Origin,
    order: OrderAct,
    issued_at_unix_ms: i64,
) -> Result<String, Failure> {
    let order = Order { id: Uuid::now_v7(), issued_at_unix_ms, order };
    replace_file(out, order.note_text(origin).as_bytes()).map_err(Failure::file(out))?;
    let (needed, shown) = (order.order.signatures_needed(), out.display());
    let next = format!("watari log sign {shown} --key … --name …   (signatures needed: {needed})");
    Ok(format!("{order}\nNext: {next}"))
}

impl Sign {
    pub(crate) fn run(self) -> Result<Said, Failure> {
        let (mut note, order) = read_order(&self.order)?;
        note.add_signature(&Signer::new(self.name, SigningKey::load(&self.key)?.into_ed25519()));
        let written = replace_file(&self.order, note.to_string().as_bytes());
        written.map_err(Failure::file(&self.order))?;
        let (signed, needed) = (note.signatures().len(), order.order.signatures_needed());
        Ok(format!("{order}\nSigned; it carries {signed} of {needed} signatures.").into())
    }
}

fn index_range(text: &str) -> Result<IndexRange, &'static str> {
    let range = text.split_once("..").and_then(|(from, to)| {
        Some(IndexRange { from_index: from.parse().ok()?, to_index: to.parse().ok()? })
    });
    let range = range.filter(|range| range.from_index < range.to_index);
    range.ok_or("two indices, the first below the second: FROM..TO")
}
