//! Where a person's records are, and what happens to them when they are erased.
//!
//! Every table of a room that names a person stands here, or in [`STAYS`] with the reason;
//! `tests/house_rules` insists.

use crypto::sha256;
use db::Tx;
use domain::Permit;
use room::store::broken_row;
use room::store::raw::{self, Part, Value};
use service::ApiError;
use uuid::Uuid;
use wire::erasure::{DoseHandle, ErasedTable};

use Part::{Bytes, Number};

/// Persons or doses of one statement.
const AT_ONCE: usize = 100;

struct Personal {
    table: &'static str,
    /// The primary key after the municipality.
    key: &'static [Part],
    /// Which rows are a person's.
    of_person: &'static str,
    /// Which rows are a dose's; empty where a dose leaves no trace.
    of_dose: &'static str,
    end: End,
}

enum End {
    Delete,
    /// The row is a record of what was done and stays; what it says of the person goes.
    Empty(&'static str),
}

static ERASED: &[Personal] = &[
    Personal {
        table: "subject",
        key: &[Bytes("id"), Number("version")],
        of_person: "id = {person}",
        of_dose: "",
        end: End::Delete,
    },
    Personal {
        table: "subject_number",
        key: &[Bytes("number_index")],
        of_person: "subject_id = {person}",
        of_dose: "",
        end: End::Delete,
    },
    Personal {
        table: "subject_address",
        key: &[Bytes("address_index")],
        of_person: "subject_id = {person}",
        of_dose: "",
        end: End::Delete,
    },
    Personal {
        table: "subject_likeness",
        key: &[Bytes("likeness_index"), Bytes("subject_id")],
        of_person: "subject_id = {person}",
        of_dose: "",
        end: End::Delete,
    },
    Personal {
        table: "voucher",
        key: &[Bytes("voucher_index"), Number("dose_number")],
        of_person: "subject_id = {person}",
        of_dose: "",
        end: End::Delete,
    },
    Personal {
        table: "vaccination",
        key: &[Bytes("subject_id"), Bytes("id"), Number("version")],
        of_person: "subject_id = {person}",
        of_dose: "subject_id = {person} AND id = {dose}",
        end: End::Delete,
    },
    Personal {
        table: "quarantine",
        key: &[Bytes("id")],
        of_person: "(subject_id = {person} OR taken_for = {person})",
        of_dose: "",
        end: End::Delete,
    },
    Personal {
        table: "import_subject",
        key: &[Bytes("import_id"), Number("seq")],
        of_person: "id = {person}",
        of_dose: "",
        end: End::Delete,
    },
    Personal {
        table: "import_voucher",
        key: &[Bytes("import_id"), Number("seq")],
        of_person: "subject_id = {person}",
        of_dose: "",
        end: End::Delete,
    },
    Personal {
        table: "import_vaccination",
        key: &[Bytes("import_id"), Number("seq")],
        of_person: "subject_id = {person}",
        of_dose: "subject_id = {person} AND id = {dose}",
        end: End::Delete,
    },
    Personal {
        table: "batch_row",
        key: &[Bytes("batch_id"), Number("row")],
        of_person: "inquiry_id IN (SELECT id FROM inquiry WHERE municipality = $1 AND subject_id = {person})",
        of_dose: "",
        end: End::Delete,
    },
    Personal {
        table: "inquiry",
        key: &[Bytes("id")],
        of_person: "subject_id = {person} AND answer_sealed IS NOT NULL",
        of_dose: "",
        end: End::Empty("answer_sealed = NULL, state = 'expired'"),
    },
    Personal {
        table: "held_inquiry",
        key: &[Bytes("inquiry_id")],
        of_person: "subject_id = {person}",
        of_dose: "",
        end: End::Delete,
    },
    Personal {
        table: "notice_in",
        key: &[Bytes("id")],
        of_person: "subject_id = {person}",
        of_dose: "",
        end: End::Delete,
    },
];

/// Tables that name a person and are left alone, and why.
#[expect(dead_code, reason = "read by people and by the house rules")]
static STAYS: &[(&str, &str)] = &[
    ("provision", "what was provided, which the law keeps for seven years"),
    ("notice_out", "what was said to others about a dose they had received; kept like a provision"),
    ("erasure_hold", "who said that records must stay, and why"),
];

/// A person, one dose of a person, or a doubtful row that was decided on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose {
    Person(Uuid),
    Dose(DoseHandle),
    Doubt(Uuid),
}

impl Whose {
    /// A doubtful row may be nobody's.
    pub(crate) fn subject(&self) -> Option<Uuid> {
        match self {
            Self::Person(subject) => Some(*subject),
            Self::Dose(dose) => Some(dose.subject),
            Self::Doubt(_) => None,
        }
    }

    /// What says which rows are theirs, with the values it names added to the others.
    fn rows_in(&self, table: &Personal, binds: &mut Vec<Value>) -> String {
        let mut bind = |rows: &str, name: &str, id: Uuid| {
            if !rows.contains(name) {
                return rows.to_owned();
            }
            binds.push(bytes(id));
            rows.replace(name, &format!("${}", binds.len()))
        };
        match self {
            Self::Person(subject) => bind(table.of_person, "{person}", *subject),
            Self::Dose(dose) => {
                let rows = bind(table.of_dose, "{person}", dose.subject);
                bind(&rows, "{dose}", dose.vaccination)
            }
            Self::Doubt(id) if table.table == "quarantine" => bind("id = {doubt}", "{doubt}", *id),
            Self::Doubt(_) => String::new(),
        }
    }
}

/// The rows of a table that are theirs, by as few statements as can be: a room's one writer waits.
fn rows_of(permit: &Permit, table: &Personal, whose: &[Whose]) -> Vec<(String, Vec<Value>)> {
    let mut found = Vec::new();
    for some in whose.chunks(AT_ONCE) {
        let mut binds = vec![super::room(permit)];
        let rows: Vec<String> = some
            .iter()
            .map(|one| one.rows_in(table, &mut binds))
            .filter(|rows| !rows.is_empty())
            .collect();
        if !rows.is_empty() {
            let any = rows.join(") OR (");
            found.push((format!("WHERE municipality = $1 AND (({any}))"), binds));
        }
    }
    found
}

/// Exactly which rows, by table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Set {
    pub tables: Vec<ErasedTable>,
    pub digest: [u8; 32],
}

impl Set {
    pub(crate) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }
}

/// Which rows these are now.
pub(crate) fn set(tx: &mut Tx, permit: &Permit, whose: &[Whose]) -> Result<Set, ApiError> {
    let mut tables = Vec::new();
    for table in ERASED {
        let mut keys = Vec::new();
        for (rest, binds) in rows_of(permit, table, whose) {
            let rows = raw::load(tx, (table.table, table.key, "NULL"), (&rest, &binds))?;
            keys.extend(rows.into_iter().map(|row| row.values));
        }
        keys.sort_unstable();
        keys.dedup();
        if !keys.is_empty() {
            let digest = hex(&digest_of(&keys)?);
            tables.push(ErasedTable { table: table.table.to_owned(), rows: keys.len(), digest });
        }
    }
    let text = serde_json::to_vec(&tables).map_err(|_| broken_row())?;
    Ok(Set { tables, digest: sha256(&text) })
}

/// Ends exactly these rows; anything else is an error, and nothing is done.
pub(crate) fn end(
    tx: &mut Tx,
    permit: &Permit,
    (whose, set): (&[Whose], &Set),
) -> Result<(), ApiError> {
    for table in ERASED {
        let mut ended = 0;
        for (rest, binds) in rows_of(permit, table, whose) {
            let name = table.table;
            let sql = match table.end {
                End::Delete => format!("DELETE FROM {name} {rest}"),
                End::Empty(what) => format!("UPDATE {name} SET {what} {rest}"),
            };
            ended += raw::execute(tx, &sql, &binds)?;
        }
        let shown = set.tables.iter().find(|shown| shown.table == table.table);
        if ended != shown.map_or(0, |shown| shown.rows) {
            return Err(broken_row());
        }
    }
    Ok(())
}

/// Keys in their order, each value with its length before it.
fn digest_of(keys: &[Vec<Value>]) -> Result<[u8; 32], ApiError> {
    let mut text = Vec::new();
    for value in keys.iter().flatten() {
        let bytes = value.to_bytes();
        let length = u32::try_from(bytes.len()).map_err(|_| broken_row())?;
        text.extend_from_slice(&length.to_be_bytes());
        text.extend_from_slice(&bytes);
    }
    Ok(sha256(&text))
}

fn bytes(id: Uuid) -> Value {
    Value::Bytes(id.as_bytes().to_vec())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
