//! Judges a destruction slip (docs/LOG_FORMAT.md §7).

use domain::retention::{RetentionClass, japanese_day, segment_last_kept_day};
use ledger::Hash;
use sha2::{Digest, Sha256};
use time::{Date, Duration};

use crate::{
    order::{Destroy, Scope},
    orders::{EntryFacts, Facts, Orders, Unlawful, Verdict},
    ranges::Ranges,
};

/// A witness may be late with a checkpoint, and clocks differ; a day is more than enough for both.
const WITNESS_DELAY: Duration = Duration::DAY;

/// Whether the slip that was logged at this place, by the log's clock, is lawful.
pub(crate) fn judge<F: Facts>(
    orders: &Orders,
    (index, logged_at_unix_ms): (u64, i64),
    destroy: &Destroy,
    facts: &mut F,
) -> Result<Verdict, F::Error> {
    let destroyed = orders.destroyed_by(index, destroy);
    let without_facts = judge_shape(index, destroy)
        .and_then(|()| judge_days(orders, logged_at_unix_ms, destroy))
        .and_then(|()| judge_entries(orders, &destroyed, destroy));
    if without_facts.is_err() {
        return Ok(without_facts);
    }
    let ended_unix_s = destroy.segment.end_unix_s() + WITNESS_DELAY.whole_seconds();
    let seen = facts.smallest_cosigned_since(ended_unix_s)?;
    let end = destroyed.last().map_or(0, |range| range.end);
    if let Some(size) = seen.filter(|size| *size < end) {
        return Ok(Err(Unlawful::Younger { size }));
    }
    judge_bodies(orders, &destroyed, destroy, facts)
}

fn judge_shape(index: u64, destroy: &Destroy) -> Verdict {
    let ranges = &destroy.ranges;
    let apart = ranges.iter().zip(ranges.iter().skip(1)).all(|(a, b)| a.1 < b.0);
    let before_slip = ranges.iter().all(|(from, to)| from < to && *to <= index);
    if ranges.is_empty() || !apart || !before_slip {
        return Err(Unlawful::Ranges);
    }
    let held = &destroy.held;
    let ascending = held.iter().zip(held.iter().skip(1)).all(|(a, b)| a < b);
    let inside = held.iter().all(|index| {
        let behind = ranges.partition_point(|(from, _)| from <= index);
        let range = behind.checked_sub(1).and_then(|at| ranges.get(at));
        range.is_some_and(|(_, to)| index < to)
    });
    if ascending && inside { Ok(()) } else { Err(Unlawful::Held) }
}

fn judge_days(orders: &Orders, logged_at_unix_ms: i64, destroy: &Destroy) -> Verdict {
    let today = japanese_day(logged_at_unix_ms).ok_or(Unlawful::TooEarly)?;
    let needed = years_needed(orders, destroy, today).ok_or(Unlawful::NoRule)?;
    if destroy.years < needed {
        return Err(Unlawful::YearsTooFew { needed });
    }
    let right = segment_last_kept_day(destroy.segment, destroy.years).ok_or(Unlawful::NoRule)?;
    if destroy.kept_through != right {
        return Err(Unlawful::WrongLastDay { right });
    }
    if today > right { Ok(()) } else { Err(Unlawful::TooEarly) }
}

fn years_needed(orders: &Orders, destroy: &Destroy, today: Date) -> Option<u32> {
    orders.rules().segment_years(RetentionClass::Provision, destroy.segment, today)
}

fn judge_entries(orders: &Orders, destroyed: &Ranges, destroy: &Destroy) -> Verdict {
    let counted = destroyed.count();
    if destroy.bodies != counted {
        return Err(Unlawful::WrongCount { counted });
    }
    if let Some(index) = orders.holds().find_map(|(_, hold)| hold.first_of(destroyed)) {
        return Err(Unlawful::UnderHold { index });
    }
    let earlier = orders.slips().iter().filter(|slip| slip.verdict.is_ok());
    let mut twice = earlier
        .filter_map(|slip| destroyed.and(&slip.destroyed).iter().next().map(|range| range.start));
    twice.next().map_or(Ok(()), |index| Err(Unlawful::DestroyedBefore { index }))
}

/// A body that is still there is also asked for its segment and its municipalities; those of a
/// body that is gone nobody knows any more.
fn judge_bodies<F: Facts>(
    orders: &Orders,
    destroyed: &Ranges,
    destroy: &Destroy,
    facts: &mut F,
) -> Result<Verdict, F::Error> {
    let held_municipalities: Vec<_> = orders
        .holds()
        .filter(|(_, standing)| matches!(standing.hold.scope, Scope::Municipality(_)))
        .map(|(_, standing)| standing)
        .collect();
    let mut digest = Sha256::new();
    let mut verdict = Ok(());
    for range in destroyed.iter() {
        let mut indices = range.clone();
        facts.entries(range, &mut |EntryFacts { leaf, body }| {
            digest.update(leaf.as_bytes());
            let (Some(index), Some(body)) = (indices.next(), body) else { return };
            let (inquirer, provider) = (body.inquirer, body.provider);
            if body.segment != destroy.segment {
                verdict = verdict.and(Err(Unlawful::OtherSegment { index }));
            } else if held_municipalities.iter().any(|h| h.covers(index, inquirer, provider)) {
                verdict = verdict.and(Err(Unlawful::UnderHold { index }));
            }
        })?;
    }
    let fits = Hash::from(<[u8; Hash::LEN]>::from(digest.finalize())) == destroy.digest;
    Ok(verdict.and(if fits { Ok(()) } else { Err(Unlawful::WrongDigest) }))
}
