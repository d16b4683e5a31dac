//! What a person at a terminal sees: the only place that writes to standard output and standard
//! error.
//!
//! Invariant: nothing printed here says anything about a person; callers pass counts, names of files
//! and sentences.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// A person watches: bars move.
    Terminal,
    /// A file or a pipe: progress is lines.
    Lines,
    /// Nobody watches.
    Silent,
}

/// In a file, progress speaks at most this often.
const LINE_PAUSE: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(100);

impl Screen {
    pub fn detect() -> Self {
        if std::io::stdout().is_terminal() { Self::Terminal } else { Self::Lines }
    }

    pub fn line(self, text: &str) {
        if self != Self::Silent {
            // Whoever closed the pipe does not want to read any more.
            let _ = writeln!(std::io::stdout().lock(), "{text}");
        }
    }

    pub fn blank(self) {
        self.line("");
    }

    /// A step that is done, with how long it took.
    pub fn done(self, what: &str, took: Duration) {
        self.line(&format!("  ✓ {what:<66}{:>10}", show_time(took)));
    }

    /// Begins something that takes a while; `total` is unknown for mere waiting.
    pub fn begin(self, what: &str, total: Option<u64>) -> Progress {
        let bar = match self {
            Self::Terminal => bar(what, total),
            Self::Lines => {
                self.line(&format!("  … {what}"));
                ProgressBar::hidden()
            }
            Self::Silent => ProgressBar::hidden(),
        };
        let now = Instant::now();
        let what = what.to_owned();
        Progress { screen: self, what, total, steps: 0, bar, begun: now, spoke: now }
    }
}

fn bar(what: &str, total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => "  {spinner} {msg:<40} {bar:24} {pos}/{len}  {per_sec}  {eta} left",
        None => "  {spinner} {msg:<40} {elapsed}",
    };
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stdout());
    let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
    bar.set_style(style);
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(TICK);
    bar
}

/// Something that takes a while.  Dropped without [`done`](Self::done), it leaves no tick behind.
#[derive(Debug)]
pub struct Progress {
    screen: Screen,
    what: String,
    total: Option<u64>,
    steps: u64,
    bar: ProgressBar,
    begun: Instant,
    spoke: Instant,
}

impl Progress {
    pub fn step(&mut self) {
        self.reach(self.steps + 1);
    }

    /// So many steps are done by now.
    pub fn reach(&mut self, steps: u64) {
        self.steps = steps;
        self.bar.set_position(self.steps);
        if self.screen == Screen::Lines && self.spoke.elapsed() >= LINE_PAUSE {
            self.spoke = Instant::now();
            let of = self.total.map(|total| format!(" of {total}")).unwrap_or_default();
            self.screen.line(&format!("    {} {}{of}", self.what, self.steps));
        }
    }

    pub fn done(self, result: &str) {
        self.bar.finish_and_clear();
        self.screen.done(result, self.begun.elapsed());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Says on standard error why a command failed.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// `0.8 ms`, `12.3 ms`, `4.56 s`.
pub fn show_time(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1_000.0;
    if ms < 1_000.0 { format!("{ms:.1} ms") } else { format!("{:.2} s", ms / 1_000.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_easily() {
        for (us, want) in [(800, "0.8 ms"), (12_340, "12.3 ms"), (4_560_000, "4.56 s")] {
            assert_eq!(show_time(Duration::from_micros(us)), want);
        }
    }
}
