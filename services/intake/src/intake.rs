use std::sync::{Arc, Mutex};

use db::Db;
use domain::{Action, Actor, MunicipalityCode, OpContext, Permit, ServiceKind, authorize};
use service::{ApiError, Directory, Participants, problems};
use tokio::sync::{Semaphore, mpsc};
use wire::Client;

use crate::Limits;
use crate::directory::Relayed;
use crate::metrics::IntakeMetrics;
use crate::rates::Rates;
use crate::waiting::Waiting;
use crate::writer::Job;

/// What the verbs share; a clone is the same intake.
#[derive(Clone, Debug)]
pub(crate) struct Intake {
    pub(crate) db: Db,
    pub(crate) jobs: mpsc::Sender<Job>,
    /// One for each capture that may wait to be written.
    pub(crate) places: Arc<Semaphore>,
    pub(crate) rates: Arc<Mutex<Rates>>,
    pub(crate) waiting: Waiting,
    pub(crate) limits: Limits,
    pub(crate) participants: Participants,
    pub(crate) registry: Client,
    pub(crate) relayed: Arc<tokio::sync::Mutex<Option<Relayed>>>,
    pub(crate) metrics: IntakeMetrics,
}

impl Intake {
    pub(crate) fn directory(&self, context: &OpContext) -> Result<Arc<Directory>, ApiError> {
        let directory = self.participants.directory(context.at.unix_timestamp());
        directory.map_err(|error| ApiError::caused(&problems::UNAVAILABLE, error))
    }

    /// The permit for a municipality whose room the calling partition hosts: the policy lets every
    /// partition speak for a municipality, only the directory knows for which.
    pub(crate) fn expect_host(
        &self,
        context: &OpContext,
        action: Action,
        municipality: MunicipalityCode,
    ) -> Result<Permit, ApiError> {
        let permit = authorize(context, action, municipality)?;
        let directory = self.directory(context)?;
        let host = directory.member(municipality).map(|member| member.host.as_str());
        match &context.actor {
            Actor::Service { kind: ServiceKind::Partition, instance }
                if host == Some(instance.as_str()) =>
            {
                Ok(permit)
            }
            _ => Err(ApiError::new(&problems::DENIED)),
        }
    }
}
