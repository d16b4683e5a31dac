//! Problems only an import has.

use service::problems::ProblemKind;
use wire::Owner;

pub(crate) static IMPORT_REUSED: ProblemKind = ProblemKind {
    code: "import-reused",
    status: 422,
    title: "This import id was used for another file.",
    owner: Owner::Asker,
    next_step: "Announce the file with a new import id.",
};

pub(crate) static FILE_TOO_LARGE: ProblemKind = ProblemKind {
    code: "file-too-large",
    status: 413,
    title: "A file has at least 1 byte and at most 64 MiB.",
    owner: Owner::Asker,
    next_step: "Cut the file into several, each with the header.",
};

pub(crate) static TOO_MANY_IMPORTS: ProblemKind = ProblemKind {
    code: "too-many-imports",
    status: 429,
    title: "The room has 20 files that nobody has decided about.",
    owner: Owner::Asker,
    next_step: "Approve or discard some of them first.",
};

pub(crate) static NOT_THE_UPLOADER: ProblemKind = ProblemKind {
    code: "not-the-uploader",
    status: 403,
    title: "Only who announced a file sends its parts.",
    owner: Owner::Asker,
    next_step: "Let the person or system that announced it go on, or announce the file anew.",
};

pub(crate) static PART_OUT_OF_ORDER: ProblemKind = ProblemKind {
    code: "part-out-of-order",
    status: 409,
    title: "An earlier part is missing, or the part has not the size it must have.",
    owner: Owner::Asker,
    next_step: "Read the import and send the part that nextPart names.",
};

pub(crate) static WRONG_STAGE: ProblemKind = ProblemKind {
    code: "wrong-stage",
    status: 409,
    title: "At this stage of the import that is not possible.",
    owner: Owner::Asker,
    next_step: "Read the import; its stage says what comes next.",
};

pub(crate) static DIGEST_DIFFERS: ProblemKind = ProblemKind {
    code: "digest-differs",
    status: 422,
    title: "The file that arrived is not the one that was announced.",
    owner: Owner::Asker,
    next_step: "Announce the file anew and send it again.",
};

pub(crate) static SECOND_PERSON: ProblemKind = ProblemKind {
    code: "second-person",
    status: 403,
    title: "Who uploaded a file or had it checked does not approve it.",
    owner: Owner::Asker,
    next_step: "Ask another supervisor of your municipality to approve it.",
};

pub(crate) static ONLY_COMPARED: ProblemKind = ProblemKind {
    code: "only-compared",
    status: 409,
    title: "The file was sent to be compared, not to be registered.",
    owner: Owner::Asker,
    next_step: "Send it again for the register if its rows should go there.",
};

pub(crate) static PREVIEW_OUTDATED: ProblemKind = ProblemKind {
    code: "preview-outdated",
    status: 409,
    title: "The preview is not what would be written now; nothing was written.",
    owner: Owner::Asker,
    next_step: "Have the file checked again and look at the new preview.",
};

pub(crate) static UNKNOWN_LAYOUT: ProblemKind = ProblemKind {
    code: "unknown-layout",
    status: 422,
    title: "The first line is not the header of a published layout, or not of the one expected.",
    owner: Owner::Asker,
    next_step: "Compare the header with docs/FILES.md.",
};

pub(crate) static EMPTY_FILE: ProblemKind = ProblemKind {
    code: "empty-file",
    status: 422,
    title: "The file is empty.",
    owner: Owner::Asker,
    next_step: "Check the export and send the file again.",
};

pub(crate) static TOO_MANY_ROWS: ProblemKind = ProblemKind {
    code: "too-many-rows",
    status: 422,
    title: "A file has at most 200,000 rows.",
    owner: Owner::Asker,
    next_step: "Cut the file into several, each with the header.",
};

pub(crate) static DAMAGED_FILE: ProblemKind = ProblemKind {
    code: "damaged-file",
    status: 422,
    title: "A line shows that the file is damaged or holds rows of another municipality.",
    owner: Owner::Asker,
    next_step: "Read the problems from the named line on, export the file anew and send it again.",
};

pub(crate) static ALREADY_DECIDED: ProblemKind = ProblemKind {
    code: "already-decided",
    status: 409,
    title: "The row was decided on meanwhile, or is not as it was read.",
    owner: Owner::Asker,
    next_step: "Read the desk again; correct the registered dose if the decision was wrong.",
};

pub(crate) static NO_LIKELY_ANSWER: ProblemKind = ProblemKind {
    code: "no-likely-answer",
    status: 422,
    title: "Not every doubt about the row has a likely answer.",
    owner: Owner::Asker,
    next_step: "Take the row as it is, take it corrected, or drop it with the reason.",
};

pub(crate) static WHOSE_ROW: ProblemKind = ProblemKind {
    code: "whose-row",
    status: 422,
    title: "The row does not say whose dose it is, and the decision doesn't either.",
    owner: Owner::Asker,
    next_step: "Take it corrected and name the person, or drop it with the reason.",
};

pub(crate) static NOT_A_DOSE: ProblemKind = ProblemKind {
    code: "not-a-dose",
    status: 422,
    title: "The row is about a person, not about a dose.",
    owner: Owner::Asker,
    next_step: "Take it as it is, take the likely answer, or drop it and import it corrected.",
};

pub(crate) static NO_DOSE: ProblemKind = ProblemKind {
    code: "no-dose",
    status: 422,
    title: "The dose lies in the future, or lacks what every dose has.",
    owner: Owner::Asker,
    next_step: "Take it corrected, or drop it with the reason.",
};

pub(crate) static DOSE_REGISTERED: ProblemKind = ProblemKind {
    code: "dose-registered",
    status: 409,
    title: "The person has a dose of this number by now, and it says something else.",
    owner: Owner::Asker,
    next_step: "Look at the person's record; take the row corrected, or drop it with the reason.",
};
