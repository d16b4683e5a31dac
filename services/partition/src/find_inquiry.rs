//! A clerk looks at an answer again, until its time is over.

use domain::{Action, Permit};
use service::{ApiError, problems as common};
use wire::partition::{AskAnswer, FindInquiry};

use room::Host;
use room::operation_log::{About, entry};
use room::store::inquiry::State;
use room::{problems, store};

pub(crate) async fn find_inquiry(
    host: &Host,
    permit: Permit,
    request: FindInquiry,
) -> Result<AskAnswer, ApiError> {
    permit.expect_action(Action::ReadInquiry)?;
    let room = host.room(permit.municipality())?;
    let keys = room.keys()?;
    let found = room
        .queue
        .write(move |tx, acts| {
            let found = store::inquiry::find(tx, &keys, &permit, request.inquiry)?;
            let result = match found.as_ref().map(|found| &found.state) {
                Some(State::Answered(_)) => "shown",
                Some(State::Expired) => problems::INQUIRY_EXPIRED.code,
                Some(State::Begun) | None => common::NOT_FOUND.code,
            };
            let subject = found.as_ref().map(|found| found.subject.0);
            let about = About { subject, inquiry: Some(request.inquiry.0), ..About::default() };
            acts.add(entry(&permit, about, result));
            Ok(found)
        })
        .await?;
    match found.map(|found| found.state) {
        Some(State::Answered(answer)) => Ok(answer),
        Some(State::Expired) => Err(ApiError::new(&problems::INQUIRY_EXPIRED)),
        Some(State::Begun) | None => Err(ApiError::new(&common::NOT_FOUND)),
    }
}
