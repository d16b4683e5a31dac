//! A partition takes its municipalities' captures, and says when it has them for good.

use domain::Action;
use service::{ApiError, Caller};
use wire::intake::{Captures, FETCH_MAX, FetchCaptures, ForgetCaptures};

use crate::intake::Intake;
use crate::sender::Name;
use crate::store;

impl Intake {
    pub(crate) async fn fetch(
        &self,
        caller: &Caller,
        request: FetchCaptures,
    ) -> Result<Captures, ApiError> {
        let FetchCaptures { municipality, after, limit } = request;
        if limit == 0 || usize::from(limit) > FETCH_MAX {
            return Err(ApiError::field("limit"));
        }
        let permit = self.expect_host(&caller.context, Action::FetchCaptures, municipality)?;
        let fetch = move |tx: &mut db::Tx| store::fetch(tx, permit.municipality(), (after, limit));
        Ok(Captures { captures: self.db.read("intake.fetch", fetch).await? })
    }

    pub(crate) async fn forget(
        &self,
        caller: &Caller,
        request: ForgetCaptures,
    ) -> Result<(), ApiError> {
        let ForgetCaptures { municipality, captures } = request;
        if captures.len() > FETCH_MAX {
            return Err(ApiError::field("captures"));
        }
        let permit = self.expect_host(&caller.context, Action::FetchCaptures, municipality)?;
        let gone = captures.clone();
        let forget = move |tx: &mut db::Tx| store::forget(tx, permit.municipality(), &gone);
        self.db.transaction("intake.forget", forget).await?;
        for one in captures {
            self.waiting.went(&Name { municipality, device: one.device });
        }
        Ok(())
    }
}
