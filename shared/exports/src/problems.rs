//! Problems of what leaves a room.

use service::problems::ProblemKind;
use wire::Owner;

pub(crate) static EXPORT_OUTDATED: ProblemKind = ProblemKind {
    code: "export-outdated",
    status: 409,
    title: "The pages of this file do not fit together any more.",
    owner: Owner::Asker,
    next_step: "Begin the file again from its first page, and fetch all pages within an hour.",
};
