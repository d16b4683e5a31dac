//! How long it takes until everything in a room is under a new data key, and the older ones are gone.

use std::time::{Duration, Instant};

use serde::Serialize;
use uuid::Uuid;
use wire::erasure::{KEYS_ROTATE, RotateKeys, Rotation, RotationState};

use super::ground::{Ground, residents};
use crate::Failure;
use screen::Screen;

/// How large the room is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Persons in the register, with their doses
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    persons: u32,
}

/// What it took.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rotated {
    engine: &'static str,
    persons: u32,
    cells: u64,
    seconds: f64,
    cells_per_second: f64,
}

const SERIAL: u32 = 3_500_000;
const LOOK: Duration = Duration::from_millis(20);

impl Rotated {
    pub(crate) fn text(&self) -> String {
        let Self { engine, persons, cells, seconds, cells_per_second } = self;
        format!(
            "{engine}: {cells} cells of {persons} persons sealed anew in {seconds:.1} s, \
             {cells_per_second:.0} cells/s, older keys destroyed"
        )
    }
}

pub(crate) async fn measure(
    ground: &Ground,
    wanted: &Args,
    screen: Screen,
) -> Result<Rotated, Failure> {
    let people = residents(SERIAL..SERIAL.saturating_add(wanted.persons), true);
    ground.register(&ground.cast.adachi, &people, screen).await?;
    let supervisor = ground.desk(&ground.cast.adachi.supervisor).await?;
    let rotate = RotateKeys { rotation: Uuid::new_v4() };
    let begun = Instant::now();
    loop {
        let told: Result<Rotation, _> = supervisor.room(KEYS_ROTATE, &rotate).await;
        let told = told.map_err(Failure::call("changing keys"))?;
        if told.state == RotationState::Done {
            let seconds = begun.elapsed().as_secs_f64();
            let cells = told.resealed;
            let sealed = u32::try_from(cells).map_err(|_| Failure::Claim("cells are countable"))?;
            return Ok(Rotated {
                engine: ground.engine(),
                persons: wanted.persons,
                cells,
                seconds,
                cells_per_second: f64::from(sealed) / seconds,
            });
        }
        tokio::time::sleep(LOOK).await;
    }
}
