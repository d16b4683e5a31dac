//! Problems only these endpoints have.

use service::problems::ProblemKind;
use wire::Owner;

pub(crate) static ID_REUSED: ProblemKind = ProblemKind {
    code: "ending-id-reused",
    status: 422,
    title: "This id was used for something else.",
    owner: Owner::Asker,
    next_step: "Try again with a new id.",
};

pub(crate) static SAME_PERSON: ProblemKind = ProblemKind {
    code: "same-person",
    status: 403,
    title: "Two different persons decide this.",
    owner: Owner::Asker,
    next_step: "Ask another supervisor (管理者) of your municipality.",
};

pub(crate) static CHANGED: ProblemKind = ProblemKind {
    code: "erasure-changed",
    status: 409,
    title: "The records are no longer those that were shown. Nothing was erased.",
    owner: Owner::Asker,
    next_step: "Propose the erasure again, and look at what it shows.",
};

pub(crate) static ENDED: ProblemKind = ProblemKind {
    code: "erasure-ended",
    status: 409,
    title: "This proposal was decided on before.",
    owner: Owner::Asker,
    next_step: "Read the proposal; propose again if something is left to erase.",
};

pub(crate) static HELD: ProblemKind = ProblemKind {
    code: "erasure-held",
    status: 409,
    title: "Some of the records are held. Nothing was erased.",
    owner: Owner::Asker,
    next_step: "Read the holds; lift a hold first if its reason is gone.",
};

pub(crate) static NOTHING_TO_ERASE: ProblemKind = ProblemKind {
    code: "nothing-to-erase",
    status: 422,
    title: "There is nothing of this kind to erase.",
    owner: Owner::Asker,
    next_step: "Check the handles; what the law keeps is not erased.",
};

pub(crate) static TOO_MANY_HOLDS: ProblemKind = ProblemKind {
    code: "too-many-holds",
    status: 422,
    title: "The room holds ten thousand records already.",
    owner: Owner::Asker,
    next_step: "Lift holds whose reason is gone.",
};

pub(crate) static ROTATING: ProblemKind = ProblemKind {
    code: "rotation-under-way",
    status: 409,
    title: "The room's keys are being changed already.",
    owner: Owner::Asker,
    next_step: "Wait until that is done; it goes on by itself.",
};

pub(crate) static NOT_EXPORTED: ProblemKind = ProblemKind {
    code: "not-exported",
    status: 409,
    title: "The newest export does not hold all records as they are now. The room was not closed.",
    owner: Owner::Asker,
    next_step: "Export all persons and all doses to the last page, then close the room.",
};
