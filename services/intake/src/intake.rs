use std::sync::{Arc, Mutex};

use db::Db;
use domain::{Action, MunicipalityCode, OpContext, Permit};
use service::{ApiError, Directory, Participants, hosted};
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
        hosted::directory(context, &self.participants)
    }

    /// The permit for a municipality whose room the calling partition hosts.
    pub(crate) fn expect_host(
        &self,
        context: &OpContext,
        action: Action,
        municipality: MunicipalityCode,
    ) -> Result<Permit, ApiError> {
        hosted::expect_host(context, action, &*self.directory(context)?, municipality)
    }
}
