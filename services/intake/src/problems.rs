//! Problems only the intake has; people at a venue read them.

use service::problems::ProblemKind;
use wire::Owner;

pub static DEVICE_UNKNOWN: ProblemKind = ProblemKind {
    code: "device-unknown",
    status: 403,
    title: "Your municipality has not registered this device.",
    owner: Owner::Asker,
    next_step: "Keep the captures; ask a supervisor of the municipality to register the device.",
};

pub static DEVICE_REVOKED: ProblemKind = ProblemKind {
    code: "device-revoked",
    status: 403,
    title: "This device was revoked.",
    owner: Owner::Asker,
    next_step: "Hand the device back to the municipality; use another one.",
};

pub static DEVICE_DIFFERS: ProblemKind = ProblemKind {
    code: "device-differs",
    status: 409,
    title: "A device of this name is known with another certificate.",
    owner: Owner::Asker,
    next_step: "Give the new device a name that was never used.",
};

pub static ALL: [&ProblemKind; 3] = [&DEVICE_UNKNOWN, &DEVICE_REVOKED, &DEVICE_DIFFERS];
