use std::time::{Duration, Instant};

/// Waits until "nothing" may be released: at a multiple of the quantum since receipt.
///
/// "No such person", "withheld" and "no such municipality" are known after different times; released
/// on the beat, they take the same time unless a beat lies between them.
pub(crate) async fn until_release(received: Instant, quantum: Duration) {
    let left = left(received.elapsed(), quantum);
    if left > Duration::ZERO {
        tokio::time::sleep(left).await;
    }
}

/// From `passed` to the next multiple of the quantum; no time passes no quantum, so at least one.
fn left(passed: Duration, quantum: Duration) -> Duration {
    let quantum_ns = quantum.as_nanos();
    if quantum_ns == 0 {
        return Duration::ZERO;
    }
    let passed_ns = passed.as_nanos().max(1);
    let left_ns = passed_ns.next_multiple_of(quantum_ns) - passed.as_nanos();
    u64::try_from(left_ns).map_or(quantum, Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_released_at_multiples_of_the_quantum_only() {
        let ms = Duration::from_millis;
        for (passed, want) in [
            (ms(0), ms(25)),
            (ms(1), ms(24)),
            (Duration::from_micros(24_999), Duration::from_micros(1)),
            (ms(25), ms(0)),
            (ms(26), ms(24)),
            (ms(1_010), ms(15)),
        ] {
            assert_eq!(left(passed, ms(25)), want, "{passed:?}");
        }
    }

    #[test]
    fn a_quantum_of_zero_waits_for_nothing() {
        assert_eq!(left(Duration::from_millis(7), Duration::ZERO), Duration::ZERO);
    }

    #[tokio::test]
    async fn waiting_ends_at_or_just_after_the_multiple() {
        let received = Instant::now();
        until_release(received, Duration::from_millis(10)).await;
        assert!(received.elapsed() >= Duration::from_millis(10));
    }
}
