//! Problems only a batch has.

use service::problems::ProblemKind;
use wire::Owner;

pub static NOT_RUNNING: ProblemKind = ProblemKind {
    code: "batch-not-running",
    status: 409,
    title: "The batch is not running any more.",
    owner: Owner::Asker,
    next_step: "Read its status; a stopped batch goes on when it is started once more.",
};

pub static REUSED: ProblemKind = ProblemKind {
    code: "batch-reused",
    status: 422,
    title: "This batch id was used for another file.",
    owner: Owner::Asker,
    next_step: "Announce the file with a new id.",
};

pub static CLOSED: ProblemKind = ProblemKind {
    code: "batch-closed",
    status: 409,
    title: "The batch takes no more parts, or was cancelled.",
    owner: Owner::Asker,
    next_step: "Read its status; announce a file with a new id if there is more to ask.",
};

pub static INCOMPLETE: ProblemKind = ProblemKind {
    code: "batch-incomplete",
    status: 409,
    title: "Some parts of the file have not arrived.",
    owner: Owner::Asker,
    next_step: "Send the missing parts, then start the batch.",
};

pub static ALTERED: ProblemKind = ProblemKind {
    code: "batch-altered",
    status: 422,
    title: "What arrived is not the file that was announced.",
    owner: Owner::Asker,
    next_step: "Cancel this batch and upload the file with a new id.",
};

pub static UNREADABLE: ProblemKind = ProblemKind {
    code: "batch-unreadable",
    status: 422,
    title: "The file is empty, or its first line is not the header of batch-1.",
    owner: Owner::Asker,
    next_step: "Check the file with watari validate; docs/FILES.md shows the columns.",
};

pub static TOO_LONG: ProblemKind = ProblemKind {
    code: "batch-too-long",
    status: 422,
    title: "The file has more than 100,000 rows.",
    owner: Owner::Asker,
    next_step: "Cut the file into several batches.",
};

pub static TOO_MANY_OPEN: ProblemKind = ProblemKind {
    code: "too-many-batches",
    status: 409,
    title: "Too many batches of your municipality are not finished.",
    owner: Owner::Asker,
    next_step: "Wait until some are done, or cancel those that nobody needs.",
};

pub static EXPIRED: ProblemKind = ProblemKind {
    code: "batch-expired",
    status: 410,
    title: "The time of this batch is over; what it held is deleted.",
    owner: Owner::Asker,
    next_step: "Announce the file with a new id if the answers are still needed.",
};

pub static NOT_SUBMITTER: ProblemKind = ProblemKind {
    code: "not-submitter",
    status: 403,
    title: "The file is asked for in the name of the person who announced it.",
    owner: Owner::Asker,
    next_step: "Have that person start it, or announce the file in your own name.",
};

pub static SUSPENDED: ProblemKind = ProblemKind {
    code: "operator-suspended",
    status: 403,
    title: "The person who announced the file has been suspended.",
    owner: Owner::Asker,
    next_step: "Cancel the batch and announce the file in another person's name.",
};
