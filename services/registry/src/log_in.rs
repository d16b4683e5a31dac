use domain::{Action, Actor, Denied, MunicipalityCode, OperatorId, TerminalId};
use service::{ApiError, Caller, problems};
use uuid::Uuid;
use wire::registry::{LogInAnswer, LogInRequest};

use crate::backoff::Attempt;
use crate::store::{self, Access, NewSession, Operator, Terminal};
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
    let admitted = operator
        .as_ref()
        .filter(|operator| is_password && may_sit(operator, &seat, terminal.as_ref()));
    let grant = admitted.map(|operator| grant(registry, caller, &seat, operator)).transpose()?;
    let access = Access::of(&caller.context, "LogIn", None).by(operator.as_ref().map(|o| &o.id));
    let session = grant.as_ref().map(|grant| grant.session.clone());
    let begun = registry
        .db
        .transaction("registry.log_in", move |tx| {
            let begun = match &session {
                Some(session) => store::session_begin(tx, session)?,
                None => false,
            };
            store::access_append(tx, &access, if begun { "done" } else { "refused" })?;
            Ok::<_, db::DbError>(begun)
        })
        .await?;
    // Only now, when session and log line are durable, does the token leave.
    Ok(grant.filter(|_| begun).map(|grant| grant.answer))
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

fn may_sit(operator: &Operator, seat: &Seat, terminal: Option<&Terminal>) -> bool {
    let is_registered = terminal
        .is_some_and(|terminal| !terminal.is_revoked && terminal.thumbprint == seat.thumbprint);
    is_registered && !operator.is_suspended && operator.place == store::place(seat.municipality)
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
