use service::problems::ProblemKind;
use wire::Owner;

/// The one answer to every log-in that fails, so that nobody learns which ids exist.
pub static LOG_IN_REFUSED: ProblemKind = ProblemKind {
    code: "log-in-refused",
    status: 401,
    title: "This user id and password do not log in here.",
    owner: Owner::Asker,
    next_step: "Check both, and that you use a terminal registered for your municipality; \
                then ask national operations.",
};

/// The registry's own kinds, beside those every service has.
pub static PROBLEMS: [&ProblemKind; 1] = [&LOG_IN_REFUSED];
