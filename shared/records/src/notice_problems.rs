//! Problems only notices and held inquiries have.

use service::problems::ProblemKind;
use wire::Owner;

pub static NOTICE_REFUSED: ProblemKind = ProblemKind {
    code: "notice-refused",
    status: 403,
    title: "The recipient's partition refused the notice.",
    owner: Owner::Asker,
    next_step: "Tell the operator of the platform the request id.",
};

pub static NOTICE_CHANGED: ProblemKind = ProblemKind {
    code: "notice-changed",
    status: 412,
    title: "The person's doses have changed since the notice was read.",
    owner: Owner::Asker,
    next_step: "Read the notice again and decide with its new tag.",
};

pub static NOTICE_CONFLICT: ProblemKind = ProblemKind {
    code: "notice-conflict",
    status: 409,
    title: "The register says something else meanwhile, and nothing is overwritten.",
    owner: Owner::Asker,
    next_step: "Compare both; correct the dose by hand, or close the notice and keep your own.",
};

pub static HELD_CHANGED: ProblemKind = ProblemKind {
    code: "held-changed",
    status: 409,
    title: "What would be released is not what was shown.",
    owner: Owner::Asker,
    next_step: "Look at it again; both persons begin anew.",
};

pub static HELD_DECIDED: ProblemKind = ProblemKind {
    code: "held-decided",
    status: 409,
    title: "The inquiry was decided on before, or its time is over.",
    owner: Owner::Asker,
    next_step: "The other municipality may ask again.",
};

pub static SECOND_PERSON_NEEDED: ProblemKind = ProblemKind {
    code: "second-person-needed",
    status: 403,
    title: "A second person must confirm what the first one wants to release.",
    owner: Owner::Asker,
    next_step: "Ask another supervisor (管理者) of your municipality.",
};

pub static NOTHING_TO_RELEASE: ProblemKind = ProblemKind {
    code: "nothing-to-release",
    status: 422,
    title: "The person has no doses that could be released.",
    owner: Owner::Asker,
    next_step: "Refuse the inquiry; it was answered with nothing.",
};

pub static USE_STOPPED: ProblemKind = ProblemKind {
    code: "use-stopped",
    status: 409,
    title: "The use of this person's records was stopped (利用停止); nothing may be released.",
    owner: Owner::Asker,
    next_step: "Refuse the inquiry, or lift the stop of use first if there is no more ground for it.",
};

pub static ALL: [&ProblemKind; 8] = [
    &NOTICE_REFUSED,
    &NOTICE_CHANGED,
    &NOTICE_CONFLICT,
    &HELD_CHANGED,
    &HELD_DECIDED,
    &SECOND_PERSON_NEEDED,
    &NOTHING_TO_RELEASE,
    &USE_STOPPED,
];
