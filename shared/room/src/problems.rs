//! Problems only a partition has.

use service::problems::ProblemKind;
use wire::Owner;

pub static NOT_IN_REGISTER: ProblemKind = ProblemKind {
    code: "not-in-register",
    status: 403,
    title: "The number does not belong to a person in your municipality's register.",
    owner: Owner::Asker,
    next_step: "Register the newcomer first; only newcomers' records may be asked for.",
};

pub static NOT_HOSTED: ProblemKind = ProblemKind {
    code: "not-hosted",
    status: 403,
    title: "This partition does not host that municipality.",
    owner: Owner::Asker,
    next_step: "Use the address of your own municipality's partition.",
};

pub static ROOM_CLOSED: ProblemKind = ProblemKind {
    code: "room-closed",
    status: 503,
    title: "The room is closed: its keys are missing or its operation log is not as it was signed.",
    owner: Owner::Platform,
    next_step: "Tell the operator of the platform; this says nothing about any person.",
};

pub static ROOM_ENDED: ProblemKind = ProblemKind {
    code: "room-ended",
    status: 410,
    title: "The municipality has left the platform; its room is closed for good.",
    owner: Owner::Source,
    next_step: "Tell it in another way; nothing that is sent here reaches it any more.",
};

pub static OVERTAKEN: ProblemKind = ProblemKind {
    code: "room-overtaken",
    status: 503,
    title: "Another process works in the same room.",
    owner: Owner::Platform,
    next_step: "Try again with the same id; one process for a room is enough.",
};

pub static ASKING_ITSELF: ProblemKind = ProblemKind {
    code: "asking-itself",
    status: 400,
    title: "A municipality does not ask itself.",
    owner: Owner::Asker,
    next_step: "Name the municipality the person moved away from.",
};

pub static INQUIRY_REUSED: ProblemKind = ProblemKind {
    code: "inquiry-reused",
    status: 422,
    title: "This inquiry id was used for another question.",
    owner: Owner::Asker,
    next_step: "Ask again with a new inquiry id.",
};

pub static INQUIRY_EXPIRED: ProblemKind = ProblemKind {
    code: "inquiry-expired",
    status: 410,
    title: "The answer was deleted after its time.",
    owner: Owner::Asker,
    next_step: "Ask again with a new inquiry id if the answer is still needed.",
};

pub static ALREADY_REGISTERED: ProblemKind = ProblemKind {
    code: "already-registered",
    status: 409,
    title: "A person with this number is already in the register.",
    owner: Owner::Asker,
    next_step: "Use the person's entry in the register.",
};

pub static ADDRESS_TAKEN: ProblemKind = ProblemKind {
    code: "address-taken",
    status: 409,
    title: "The address number belongs to another person of the register.",
    owner: Owner::Asker,
    next_step: "Check the address number; it is given to one person only.",
};

pub static ALREADY_REGISTERED_DOSE: ProblemKind = ProblemKind {
    code: "already-registered-dose",
    status: 409,
    title: "The person already has a dose of this kind and number.",
    owner: Owner::Asker,
    next_step: "Correct the registered dose if it is wrong.",
};

pub static REFUSED_INQUIRY: ProblemKind = ProblemKind {
    code: "inquiry-refused",
    status: 403,
    title: "The source municipality's partition refused the inquiry.",
    owner: Owner::Source,
    next_step: "Tell the operator of the platform the request id.",
};

pub static BAD_ANSWER: ProblemKind = ProblemKind {
    code: "answer-refused",
    status: 502,
    title: "The answer does not belong to this question or is not proven by the provision log.",
    owner: Owner::Platform,
    next_step: "Nothing was shown. Tell the operator of the platform the request id.",
};

pub static OPERATOR_HELD: ProblemKind = ProblemKind {
    code: "operator-held",
    status: 403,
    title: "A check of the operation log has stopped your inquiries.",
    owner: Owner::Asker,
    next_step: "Ask a supervisor (管理者) of your municipality, who sees why and can release you.",
};

pub static INSPECTION_ALTERED: ProblemKind = ProblemKind {
    code: "inspection-altered",
    status: 500,
    title: "An inspection is not as the room signed it.",
    owner: Owner::Platform,
    next_step: "Nothing was shown. Tell the operator of the platform the request id.",
};

pub static LOG_DOUBTFUL: ProblemKind = ProblemKind {
    code: "log-doubtful",
    status: 503,
    title: "The provision log cannot be trusted right now, so nothing is asked.",
    owner: Owner::Platform,
    next_step: "Ask again later; the operator of the platform has been alarmed.",
};

pub static DISCLOSURE_TOO_LONG: ProblemKind = ProblemKind {
    code: "disclosure-too-long",
    status: 422,
    title: "The person's records were provided more than a thousand times.",
    owner: Owner::Platform,
    next_step: "Nothing was shown. Tell the operator of the platform the request id.",
};

pub static DEVICE_NAME_TAKEN: ProblemKind = ProblemKind {
    code: "device-name-taken",
    status: 409,
    title: "A device of this name was registered before.",
    owner: Owner::Asker,
    next_step: "Give the device a name that was never used.",
};

pub static ALL: [&ProblemKind; 18] = [
    &NOT_IN_REGISTER,
    &NOT_HOSTED,
    &ROOM_CLOSED,
    &ROOM_ENDED,
    &OVERTAKEN,
    &ASKING_ITSELF,
    &INQUIRY_REUSED,
    &INQUIRY_EXPIRED,
    &ALREADY_REGISTERED,
    &ADDRESS_TAKEN,
    &ALREADY_REGISTERED_DOSE,
    &REFUSED_INQUIRY,
    &BAD_ANSWER,
    &OPERATOR_HELD,
    &INSPECTION_ALTERED,
    &LOG_DOUBTFUL,
    &DISCLOSURE_TOO_LONG,
    &DEVICE_NAME_TAKEN,
];

/// Whether a line of the operation log ended with a problem.
pub fn is_code(result: &str) -> bool {
    let common = service::problems::ALL.into_iter().chain(service::problems::inquiry::ALL);
    common.chain(ALL).any(|kind| kind.code == result)
}
