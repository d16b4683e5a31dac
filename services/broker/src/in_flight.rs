use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::MunicipalityCode;
use prometheus_client::metrics::gauge::Gauge;

/// How many inquiries are under way, in all and for each inquirer.
#[derive(Debug)]
pub(crate) struct InFlight {
    counts: Mutex<Counts>,
    all_max: usize,
    each_max: usize,
    gauge: Gauge,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    each: HashMap<MunicipalityCode, usize>,
}

/// A place among the inquiries under way; dropping it makes room.
#[derive(Debug)]
#[must_use]
pub(crate) struct Place {
    in_flight: Arc<InFlight>,
    inquirer: Option<MunicipalityCode>,
}

/// Whose limit is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    Everybody,
    Inquirer,
}

impl InFlight {
    pub(crate) fn new(all_max: usize, each_max: usize, gauge: Gauge) -> Arc<Self> {
        Arc::new(Self { counts: Mutex::default(), all_max, each_max, gauge })
    }

    /// Takes a place; `inquirer` is charged only if the caller does speak for it.
    pub(crate) fn enter(
        self: &Arc<Self>,
        inquirer: Option<MunicipalityCode>,
    ) -> Result<Place, Full> {
        let mut counts = self.counts();
        if counts.all >= self.all_max {
            return Err(Full::Everybody);
        }
        if let Some(code) = inquirer {
            let each = counts.each.entry(code).or_default();
            if *each >= self.each_max {
                return Err(Full::Inquirer);
            }
            *each += 1;
        }
        counts.all += 1;
        self.gauge.inc();
        Ok(Place { in_flight: Arc::clone(self), inquirer })
    }

    /// No code panics while it holds the lock, so what a poisoned lock guards is sound.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.in_flight.counts();
        counts.all = counts.all.saturating_sub(1);
        self.in_flight.gauge.dec();
        let Some(code) = self.inquirer else { return };
        let each = counts.each.entry(code).or_default();
        *each = each.saturating_sub(1);
        if *each == 0 {
            counts.each.remove(&code);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_inquirer_cannot_take_every_place() {
        let [koriyama, adachi] = ["072036", "131211"].map(|c| MunicipalityCode::parse(c).unwrap());
        let in_flight = InFlight::new(3, 2, Gauge::default());
        let first = in_flight.enter(Some(koriyama)).unwrap();
        let _second = in_flight.enter(Some(koriyama)).unwrap();
        assert_eq!(in_flight.enter(Some(koriyama)).err(), Some(Full::Inquirer));
        let _third = in_flight.enter(Some(adachi)).unwrap();
        assert_eq!(in_flight.enter(Some(adachi)).err(), Some(Full::Everybody));
        assert_eq!(in_flight.enter(None).err(), Some(Full::Everybody));
        drop(first);
        let again = in_flight.enter(Some(koriyama)).unwrap();
        assert_eq!(in_flight.gauge.get(), 3);
        drop(again);
        assert_eq!(in_flight.counts().each.len(), 2);
    }
}
