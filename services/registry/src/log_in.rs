use domain::{Action, Actor, Denied, MunicipalityCode, OperatorId, TerminalId};
use service::{ApiError, Caller, problems};
use uuid::Uuid;
use wire::registry::{LogInAnswer, LogInRequest};

use crate::access::Access;
use crate::backoff::Attempt;
use crate::store::{self, NewSession, Operator, Terminal};
use crate::tokens::Subject;
use crate::{LOG_IN_REFUSED, Registry};

/// The terminal somebody sits at, as its certificate proves.
#[derive(Clone)]
struct Seat {
    municipality: Option<MunicipalityCode>,
    terminal: TerminalId,
    thumbprint: [u8; 32],
}

/// Logs a registered person in at a registered terminal of the same municipality (C037-C039).
///
/// Unknown user, wrong password, wrong terminal, suspended: one answer, after the same work.
pub(crate) async fn log_in(
    registry: &Registry,
    caller: &Caller,
    request: LogInRequest,
) -> Result<LogInAnswer, ApiError> {
    let seat = seat(caller)?;
    let user = OperatorId::parse(&request.user_id).ok();
    let attempt = Attempt::new(&store::place(seat.municipality), user.as_ref(), &seat.terminal);
    let now_unix_s = caller.context.at.unix_timestamp();
    if let Err(wait_s) = registry.backoff.admit(&attempt, now_unix_s) {
        registry.log_ins.count("delayed");
        record_delay(registry, caller, user).await?;
        return Err(ApiError::new(&problems::TOO_MANY).retry_after_s(wait_s));
    }
    match check(registry, caller, seat, user, request).await {
        Ok(Some(answer)) => {
            registry.backoff.succeeded(&attempt);
            registry.log_ins.count("done");
            Ok(answer)
        }
        Ok(None) => {
            registry.log_ins.count("refused");
            Err(ApiError::new(&LOG_IN_REFUSED))
        }
        Err(error) => {
            registry.backoff.undecided(&attempt);
            registry.log_ins.count("failed");
            Err(error)
        }
    }
}

fn seat(caller: &Caller) -> Result<Seat, Denied> {
    match &caller.context.actor {
        Actor::Terminal { municipality, terminal } => Ok(Seat {
            municipality: *municipality,
            terminal: terminal.clone(),
            thumbprint: caller.peer.thumbprint,
        }),
        _ => Err(Denied { action: Action::LogIn }),
    }
}

/// `None` is "no"; an error is "we do not know", and then there is no token either.
async fn check(
    registry: &Registry,
    caller: &Caller,
    seat: Seat,
    user: Option<OperatorId>,
    request: LogInRequest,
) -> Result<Option<LogInAnswer>, ApiError> {
    let (operator, terminal) = find(registry, &seat, user).await?;
    let hash = operator.as_ref().map(|operator| operator.password_hash.as_str());
    let is_password = registry.passwords.verify(request.password, hash).await?;
    let judged = judge(operator.as_ref(), is_password, &seat, terminal.as_ref());
    let admitted = judged.ok().map(|operator| grant(registry, caller, &seat, operator));
    let grant = admitted.transpose()?;
    let refused = judged.err().unwrap_or(SUSPENDED);
    let line = Access::of(&caller.context, "LogIn");
    // What somebody typed is not kept: it may be a password.
    let line = operator.iter().fold(line, |line, operator| line.by(&operator.id, is_password));
    let session = grant.as_ref().map(|grant| grant.session.clone());
    let begun = registry.access_log.write("registry.log_in", move |tx| {
        let begun = match &session {
            Some(session) => store::session_begin(tx, session)?,
            None => false,
        };
        Ok((begun, vec![line.clone().with(if begun { "done" } else { refused })]))
    });
    let begun = begun.await?;
    caller.context.recorded.set();
    // Only now, when session and log line are durable, does the token leave.
    Ok(grant.filter(|_| begun).map(|grant| grant.answer))
}

/// Whoever must wait is not checked; the line names the operator only if there is such a one.
async fn record_delay(
    registry: &Registry,
    caller: &Caller,
    user: Option<OperatorId>,
) -> Result<(), ApiError> {
    let line = Access::of(&caller.context, "LogIn").with(problems::TOO_MANY.code);
    let recorded = registry.access_log.write("registry.log_in_delayed", move |tx| {
        let operator = match &user {
            Some(user) => store::operator_find(tx, user)?,
            None => None,
        };
        let line = line.clone();
        Ok(((), vec![operator.iter().fold(line, |line, operator| line.by(&operator.id, false))]))
    });
    recorded.await?;
    caller.context.recorded.set();
    Ok(())
}

async fn find(
    registry: &Registry,
    seat: &Seat,
    user: Option<OperatorId>,
) -> Result<(Option<Operator>, Option<Terminal>), ApiError> {
    let seat = seat.clone();
    let found = registry.db.read("registry.log_in_find", move |tx| {
        let terminal = store::terminal_find(tx, seat.municipality, &seat.terminal)?;
        let operator = match &user {
            Some(user) => store::operator_find(tx, user)?,
            None => None,
        };
        Ok::<_, db::DbError>((operator, terminal))
    });
    Ok(found.await?)
}

const SUSPENDED: &str = "refused: suspended";

/// Who may begin a session, or why nobody may: for the access log, not for the caller.
fn judge<'a>(
    operator: Option<&'a Operator>,
    is_password: bool,
    seat: &Seat,
    terminal: Option<&Terminal>,
) -> Result<&'a Operator, &'static str> {
    let is_registered = terminal
        .is_some_and(|terminal| !terminal.is_revoked && terminal.thumbprint == seat.thumbprint);
    let Some(operator) = operator else { return Err("refused: no such operator") };
    if !is_password {
        Err("refused: wrong password")
    } else if operator.is_suspended {
        Err(SUSPENDED)
    } else if operator.place != store::place(seat.municipality) {
        Err("refused: another municipality's terminal")
    } else if !is_registered {
        Err("refused: terminal not registered")
    } else {
        Ok(operator)
    }
}

/// What will be given once it is written down.
struct Grant {
    session: NewSession,
    answer: LogInAnswer,
}

fn grant(
    registry: &Registry,
    caller: &Caller,
    seat: &Seat,
    operator: &Operator,
) -> Result<Grant, ApiError> {
    let begun_at = caller.context.at;
    let now_unix_s = begun_at.unix_timestamp();
    let expires_at_unix_s = registry.tokens.expiry(now_unix_s);
    let subject = Subject {
        operator: operator.id.clone(),
        role: operator.role,
        municipality: seat.municipality,
        session: Uuid::new_v4(),
        thumbprint: seat.thumbprint,
    };
    let session = NewSession {
        id: subject.session,
        operator: operator.id.clone(),
        place: store::place(seat.municipality),
        terminal: seat.terminal.clone(),
        begun_at,
        expires_at_unix_s,
    };
    let answer = LogInAnswer {
        token: registry.tokens.issue(subject, now_unix_s)?,
        expires_at_unix_s,
        municipality: seat.municipality,
        role: operator.role,
        last_log_in_at_unix_s: operator.last_log_in_at_ms.map(|ms| ms.div_euclid(1_000)),
    };
    Ok(Grant { session, answer })
}
