//! A partition tells which devices its municipalities have.

use domain::Action;
use service::{ApiError, Caller};
use wire::intake::{KEEP_MAX, KeepDevices, KeptDevice};

use crate::intake::Intake;
use crate::store;

const THUMBPRINT_BYTES: usize = 32;

impl Intake {
    pub(crate) async fn keep_devices(
        &self,
        caller: &Caller,
        request: KeepDevices,
    ) -> Result<(), ApiError> {
        let KeepDevices { municipality, devices } = request;
        let is_whole = |one: &KeptDevice| one.thumbprint.0.len() == THUMBPRINT_BYTES;
        if devices.len() > KEEP_MAX || !devices.iter().all(is_whole) {
            return Err(ApiError::field("devices"));
        }
        let permit = self.expect_host(&caller.context, Action::KeepDevices, municipality)?;
        let keep = move |tx: &mut db::Tx| store::keep(tx, permit.municipality(), &devices);
        self.db.transaction("intake.devices", keep).await
    }
}
